#include "supervisor/guest/niceness.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/fd.h"
#include "tracer/procfs/directory.h"

namespace llrun {
namespace {

// Threads are born with the niceness of who makes them, so a second look finds those that were born
// during the first by threads it had not come to.
constexpr int kMostLooks = 16;

// Whether it had less.
Result<bool> raise(HostTid thread, int nice) {
  errno = 0;
  const int now = ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread.value));
  if (errno == ESRCH || now >= nice) return false;
  if (errno != 0) return system_error("getpriority of a guest");
  if (::setpriority(PRIO_PROCESS, static_cast<id_t>(thread.value), nice) == 0) return true;
  if (errno == ESRCH) return false;
  return system_error("setpriority of a guest");
}

Result<> raise_threads(HostPid process, int nice) {
  for (int look = 0; look < kMostLooks; ++look) {
    LLRUN_TRY_ASSIGN(const auto threads, tracer::list_threads(process));
    bool any = false;
    for (const HostTid thread : threads) {
      LLRUN_TRY_ASSIGN(const bool raised, raise(thread, nice));
      any = any || raised;
    }
    if (!any) return {};
  }
  return failure(ErrorCode::kTimeout, "giving all threads of a guest its niceness");
}

// proc_sched_autogroup_set_nice in the kernel's kernel/sched/autogroup.c. Kernels without
// autogroups have no such file.
std::string file_of_session(HostPid process) {
  return "/proc/" + std::to_string(process.value) + "/autogroup";
}

Result<> set_session(HostPid process, int nice) {
  const auto file = open_file(file_of_session(process), O_WRONLY);
  if (!file) {
    if (file.error().errno_value == ENOENT) return {};
    return std::unexpected(file.error());
  }
  return write_all(file->get(), bytes_of(std::string_view(std::to_string(nice))));
}

}  // namespace

// "/autogroup-311 nice 10"
bool session_stands_back(HostPid process, int nice) {
  const auto text = read_whole_file(file_of_session(process)).value_or("");
  const auto at = text.rfind("nice ");
  return at == std::string::npos || std::atoi(text.c_str() + at + 5) >= nice;
}

Result<> stand_back(HostPid process, const Niceness& niceness) {
  auto raised = raise_threads(process, niceness.threads);
  if (raised) raised = set_session(process, niceness.session);
  if (!raised && (raised.error().code == ErrorCode::kGone || raised.error().errno_value == ESRCH))
    return {};
  return raised;
}

}  // namespace llrun
