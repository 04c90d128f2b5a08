#include "tracer/remote/remote_arena.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace llrun::tracer {

Result<RemoteAddr> RemoteArena::reserve(std::uint64_t size) {
  const std::uint64_t rounded = (size + 15) & ~std::uint64_t{15};
  if (rounded < size || rounded > room())
    return failure(ErrorCode::kUnsupported, "the arguments of an injected call are too large");
  const auto place = next_;
  next_ = next_ + rounded;
  return place;
}

Result<RemoteAddr> RemoteArena::put(std::span<const std::byte> bytes) {
  LLRUN_TRY_ASSIGN(const auto place, reserve(bytes.size()));
  LLRUN_TRY(write_memory(pid_, place, bytes));
  return place;
}

Result<RemoteAddr> RemoteArena::put_string(std::string_view text) {
  std::vector<std::byte> bytes(text.size() + 1);
  std::memcpy(bytes.data(), text.data(), text.size());
  return put(bytes);
}

namespace {

// Executable from the beginning: a program may have forbidden itself to make memory so later
// (PR_SET_MDWE, Linux 6.3). What writes the code does not ask whether it is writable.
Result<> put_code(RemoteSyscalls& calls, RemoteAddr start) {
  LLRUN_TRY(calls.call(SYS_mmap, start, kPageSize, PROT_READ | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  return write_memory(calls.pid(), start, stub_page());
}

}  // namespace

Result<StubPage> StubPage::map(RemoteSyscalls& calls, RemoteAddr at) {
  const int fixed = at.value != 0 ? MAP_FIXED_NOREPLACE : 0;
  LLRUN_TRY_ASSIGN(const auto start, calls.call(SYS_mmap, at, kSize, PROT_READ | PROT_WRITE,
                                                MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0));
  const StubPage page(RemoteAddr{start});
  const auto filled = put_code(calls, page.start_);
  if (filled) return page;
  std::ignore = page.unmap(calls);  // the program goes on as it was
  return std::unexpected(filled.error());
}

Result<> StubPage::check(HostPid pid) const {
  std::vector<std::byte> code(kPageSize);
  const auto read = read_memory(pid, start_, code);
  const bool intact = read && std::ranges::equal(code, stub_page()) &&
                      write_value(pid, arena().start, std::uint64_t{0});
  if (intact) return {};
  return failure(ErrorCode::kRefused,
                 "the program has unmapped or changed the pages by which llrun reads its state");
}

Result<> StubPage::unmap(RemoteSyscalls& calls) const {
  LLRUN_TRY(calls.call(SYS_munmap, start_, kSize));
  return {};
}

Result<> StubPage::unmap_from(HostPid pid, const StoppedThread& thread) const {
  LLRUN_TRY_ASSIGN(const auto own, find_syscall_site(pid));
  LLRUN_TRY_ASSIGN(auto calls, RemoteSyscalls::borrow(pid, thread, own));
  LLRUN_TRY(unmap(calls));
  return calls.finish();
}

}  // namespace llrun::tracer
