// Limits that leave no room for a move.
#include <sys/resource.h>

#include <string>

#include "tracer/objects/pins_parts.h"
#include "tracer/procfs/fd_table.h"

namespace llrun::tracer {
namespace {

// For what is put into a process, and taken out of it: a socket pair at one moment, and a file.
constexpr rlim_t kSpare = 3;

}  // namespace

void add_limit_pins(HostPid pid, Pins& pins) {
  rlimit limit{};
  const auto open = list_fds(pid);
  if (!open || ::prlimit(pid.value, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  if (!open->empty() && static_cast<rlim_t>(open->back()) >= limit.rlim_max)
    pins.push_back({"its descriptor " + std::to_string(open->back()) +
                        " is beyond its hard limit of open files (" +
                        std::to_string(limit.rlim_max) + ")",
                    "it can move once the program has closed it"});
  else if (open->size() + kSpare > limit.rlim_max)
    pins.push_back(
        {"it has " + std::to_string(open->size()) +
             " open files, all that its hard limit "
             "allows",
         "start it with a higher limit (ulimit -Hn); it can move once it has closed some"});
}

}  // namespace llrun::tracer
