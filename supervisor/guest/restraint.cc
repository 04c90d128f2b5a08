#include "supervisor/guest/restraint.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>

#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/log.h"

namespace llrun {
namespace {

// The last ones of those that we may use, for all guests the same.
Result<> share_cores(int cores) {
  cpu_set_t all, shared;
  CPU_ZERO(&all);
  CPU_ZERO(&shared);
  if (::sched_getaffinity(0, sizeof all, &all) != 0) return system_error("sched_getaffinity");
  if (CPU_COUNT(&all) <= cores) return {};
  for (int core = CPU_SETSIZE - 1; core >= 0 && CPU_COUNT(&shared) < cores; --core)
    if (CPU_ISSET(core, &all)) CPU_SET(core, &shared);
  if (::sched_setaffinity(0, sizeof shared, &shared) != 0) return system_error("sched_setaffinity");
  return {};
}

// 0 is the process that writes: cgroups(7).
Result<> join(const std::string& group) {
  LLRUN_TRY_ASSIGN(const auto file, open_file(group, O_WRONLY));
  return write_all(file.get(), bytes_of(std::string_view("0")));
}

void require(const char* what, const Result<>& granted) {
  if (!granted)
    log::warn("{} is not granted, so it is only looked at what the guest uses: {}", what,
              granted.error().message());
}

}  // namespace

void take_on(const Restraint& restraint) {
  if (restraint.nice != 0 && ::setpriority(PRIO_PROCESS, 0, restraint.nice) != 0)
    require("the niceness of guests", system_error("setpriority"));
  if (restraint.cores > 0)
    require("the share of processors of guests", share_cores(restraint.cores));
  for (const auto& group : restraint.groups) require("the control group of guests", join(group));
}

}  // namespace llrun
