// Whom the kernel ends first when a node's memory runs out: guests, before anything of the node's
// owner and before the supervisors, which answer for them.
//
// /proc/PID/oom_score_adj (proc(5)): everybody may raise that of his own processes, and lower it
// again as far as it was when somebody privileged set it last, but not below that. So a supervisor
// cannot lower its own, and the guest's is raised. The program's own comes home with it.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "base/result.h"

namespace llrun {

// Of a guest whose program has `own` at home, under a supervisor that has `supervisors`.
[[nodiscard]] std::int32_t oom_score_of_guest(std::int32_t own, std::int32_t supervisors);
// What the program has at home when the guest leaves with `now`: its own, unless it has changed
// that here.
[[nodiscard]] std::int32_t oom_score_at_home(std::int32_t own, std::int32_t supervisors,
                                             std::int32_t now);

[[nodiscard]] std::int32_t supervisors_oom_score();
[[nodiscard]] Result<> set_oom_score(HostPid process, std::int32_t score);

}  // namespace llrun
