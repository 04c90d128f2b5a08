#include "supervisor/guest/guest_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace llrun {

Result<WritableMemory> WritableMemory::of(HostPid guest) {
  LLRUN_TRY_ASSIGN(auto maps, tracer::read_maps(guest));
  return WritableMemory(std::move(maps));
}

// The stack counts as far down as it is touched: it grows.
std::uint64_t WritableMemory::bytes_from(std::uint64_t at, std::uint64_t size) const {
  const std::uint64_t end = at + size < at ? UINT64_MAX : at + size;
  std::uint64_t until = at;
  for (const tracer::MapEntry& entry : maps_) {
    if (entry.end <= until) continue;
    if (until >= end || !entry.writable) break;
    if (until < entry.start && entry.name != "[stack]") break;
    until = entry.end;
  }
  return std::min(until, end) - at;
}

Result<> write_as_guest(HostPid guest, tracer::RemoteAddr to, std::span<const std::byte> bytes) {
  const iovec local{const_cast<std::byte*>(bytes.data()), bytes.size()};
  const iovec remote{reinterpret_cast<void*>(to.value), bytes.size()};
  if (bytes.empty() || ::process_vm_writev(guest.value, &local, 1, &remote, 1, 0) ==
                           static_cast<ssize_t>(bytes.size()))
    return {};
  // It stops at a stack that has not grown yet, too, where the guest's own kernel would not.
  LLRUN_TRY_ASSIGN(const auto writable, WritableMemory::of(guest));
  const std::uint64_t size = writable.bytes_from(to.value, bytes.size());
  LLRUN_TRY(tracer::write_memory(guest, to, bytes.first(size)));
  if (size == bytes.size()) return {};
  return system_error("write what a call has answered", EFAULT);
}

}  // namespace llrun
