// Another process's memory: addresses that cannot be dereferenced here, and reading and writing
// there.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

inline constexpr std::uint64_t kPageSize = 4096;

// An address in a tracee. It may be one that the tracee has made up: what goes past the last one
// begins anew, and is found to be nothing, or the tracee's own.
struct RemoteAddr {
  std::uint64_t value = 0;
  friend auto operator<=>(const RemoteAddr&, const RemoteAddr&) = default;
  [[nodiscard]] RemoteAddr operator+(std::uint64_t bytes) const { return {value + bytes}; }
};

// [start, end), with start <= end.
struct RemoteRange {
  RemoteAddr start;
  RemoteAddr end;
  [[nodiscard]] static Result<RemoteRange> of(RemoteAddr start, std::uint64_t size);
  [[nodiscard]] std::uint64_t size() const { return end.value - start.value; }
  [[nodiscard]] bool contains(RemoteAddr at) const { return start <= at && at < end; }
  [[nodiscard]] bool overlaps(const RemoteRange& other) const {
    return start < other.end && other.start < end;
  }
  friend bool operator==(const RemoteRange&, const RemoteRange&) = default;
};

// All of it or an error (process_vm_readv; pages that are not there are EFAULT).
[[nodiscard]] Result<> read_memory(HostPid pid, RemoteAddr from, std::span<std::byte> into);
// All of it or an error. Goes to pages the program itself may not write, too: process_vm_writev
// first, /proc/PID/mem (which breaks copy-on-write as a debugger does) for the rest.
[[nodiscard]] Result<> write_memory(HostPid pid, RemoteAddr to, std::span<const std::byte> bytes);
// Through /proc/PID/mem only: for pages without read or write permission.
[[nodiscard]] Result<> read_memory_forced(HostPid pid, RemoteAddr from, std::span<std::byte> into);
[[nodiscard]] Result<> write_memory_forced(HostPid pid, RemoteAddr to,
                                           std::span<const std::byte> bytes);
// A string up to its NUL, at most `limit` bytes.
[[nodiscard]] Result<std::string> read_string(HostPid pid, RemoteAddr from,
                                              std::size_t limit = 4096);

template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] Result<T> read_value(HostPid pid, RemoteAddr from) {
  T value{};
  LLRUN_TRY(read_memory(pid, from, std::as_writable_bytes(std::span(&value, 1))));
  return value;
}
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] Result<> write_value(HostPid pid, RemoteAddr to, const T& value) {
  return write_memory(pid, to, bytes_of(value));
}

}  // namespace llrun::tracer
