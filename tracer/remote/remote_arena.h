// RemoteArena: scratch memory in a tracee for the arguments of injected calls, and StubPage, the
// stub's code with an arena beside it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tracer/remote/remote_memory.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {

// A bump allocator over memory that is mapped in the tracee, readable and writable.
class RemoteArena {
 public:
  RemoteArena(HostPid pid, RemoteRange range) : pid_(pid), range_(range), next_(range.start) {}

  // Room of `size` bytes, 16-aligned; kUnsupported when the arena is full.
  [[nodiscard]] Result<RemoteAddr> reserve(std::uint64_t size);
  [[nodiscard]] Result<RemoteAddr> put(std::span<const std::byte> bytes);
  [[nodiscard]] Result<RemoteAddr> put_string(std::string_view text);  // with its NUL
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] Result<RemoteAddr> put_value(const T& value) { return put(bytes_of(value)); }
  void clear() { next_ = range_.start; }  // all that was put is forgotten
  [[nodiscard]] const RemoteRange& range() const { return range_; }
  [[nodiscard]] std::uint64_t room() const { return range_.end.value - next_.value; }

 private:
  HostPid pid_;
  RemoteRange range_;
  RemoteAddr next_;
};

// One page of stub code followed by kArenaPages of scratch memory, mapped in a hole of the tracee.
class StubPage {
 public:
  static constexpr std::uint64_t kArenaPages = 16;
  static constexpr std::uint64_t kSize = (1 + kArenaPages) * kPageSize;

  // Map it by injected calls, at `at` (which must be free) or, with 0, where the kernel likes.
  [[nodiscard]] static Result<StubPage> map(RemoteSyscalls& calls, RemoteAddr at = {});
  // One that is mapped already.
  [[nodiscard]] static StubPage known(RemoteAddr start) { return StubPage(start); }
  // That its code is still there, and its room can be written, in a process that may have changed
  // either. kRefused: not so.
  [[nodiscard]] Result<> check(HostPid pid) const;
  // Unmap it; `calls` must use another site.
  [[nodiscard]] Result<> unmap(RemoteSyscalls& calls) const;
  // The same by an instruction of the program's own, which `thread` is stepped over: only in a
  // process that ends with its tracer anyway. No thread may need the stub any more.
  [[nodiscard]] Result<> unmap_from(HostPid pid, const StoppedThread& thread) const;

  [[nodiscard]] RemoteRange range() const { return {start_, start_ + kSize}; }
  [[nodiscard]] RemoteRange arena() const { return {start_ + kPageSize, start_ + kSize}; }
  [[nodiscard]] RemoteAddr park() const { return start_ + LLRUN_STUB_PARK; }
  [[nodiscard]] SyscallSite site() const {
    return {start_ + LLRUN_STUB_SYSCALL, SyscallSite::After::kTrap};
  }
  [[nodiscard]] SyscallSite returning_site() const {
    return {start_ + LLRUN_STUB_RETURNING, SyscallSite::After::kReturn};
  }

 private:
  explicit StubPage(RemoteAddr start) : start_(start) {}
  RemoteAddr start_;
};

}  // namespace llrun::tracer
