#include "tracer/procfs/ending.h"

#include <csignal>

#include "tracer/procfs/credentials.h"
#include "tracer/procfs/stat.h"

namespace llrun::tracer {
namespace {
constexpr std::uint32_t kSignaled = 0x400;
constexpr std::uint64_t kKill = std::uint64_t{1} << (SIGKILL - 1);
}  // namespace

bool is_ending(HostPid pid) {
  // In this order: a thread that takes the signal out of its queue is marked next.
  const auto status = read_credentials(pid);
  if (!status || (status->pending_signals & kKill) != 0) return true;
  const auto stat = read_stat(pid);
  return !stat || (stat->flags & kSignaled) != 0;
}

}  // namespace llrun::tracer
