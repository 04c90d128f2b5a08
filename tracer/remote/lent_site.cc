#include "tracer/remote/lent_site.h"

#include <vector>

#include "tracer/remote/remote_memory.h"
#include "tracer/stub/stub.h"

namespace llrun::tracer {

Result<LentSite> LentSite::open(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto room, find_room_behind_code(pid));
  if (!room) {
    LLRUN_TRY_ASSIGN(const auto own, find_syscall_site(pid));
    return LentSite(pid, own);
  }
  LLRUN_TRY(write_memory_forced(pid, *room, returning_code()));
  return LentSite(pid, {*room, SyscallSite::After::kReturn});
}

Result<> LentSite::close() {
  if (site_.after != SyscallSite::After::kReturn) return {};
  const std::vector<std::byte> nothing(returning_code().size());
  return write_memory_forced(pid_, site_.address, nothing);
}

}  // namespace llrun::tracer
