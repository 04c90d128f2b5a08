#include "tracer/procfs/ending.h"

#include <cerrno>
#include <csignal>
#include <string>

#include "base/fd.h"
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

Error ended_or(HostPid pid, const Error& error) {
  if (error.errno_value != EACCES && error.errno_value != EPERM && error.errno_value != ESRCH)
    return error;
  const auto name = std::to_string(pid.value);
  // Readable by anybody; zeros where there is no memory (fs/proc/array.c, proc_pid_statm).
  const auto sizes = read_whole_file("/proc/" + name + "/statm");
  if (sizes && !sizes->starts_with("0 ")) return error;
  return {ErrorCode::kGone, error.errno_value, "process " + name + " has ended"};
}

}  // namespace llrun::tracer
