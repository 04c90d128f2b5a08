// The warden: the process between the supervisor and a world's init. It has one thread, which
// outlives init: so "killed when the parent's thread ends" (PR_SET_PDEATHSIG) means what it should.
#pragma once

#include "base/fd.h"
#include "supervisor/world/clocks.h"
#include "supervisor/world/init.h"

namespace llrun::world {

struct WardenPlan {
  ClockOffsets clocks;
  std::vector<gid_t> groups;
  int nice = 0;
};

// What the supervisor answers when it has written the id maps.
struct MapsWritten {
  std::uint32_t all_users = 0, all_groups = 0;
};

// The life of the warden, in a process just forked. `line`: to the supervisor; it says when it is
// in its user namespace, waits for MapsWritten, says when init runs (with init's pidfd), then waits
// for the end of the line or of init.
[[noreturn]] void run_warden(const WardenPlan& plan, InitPlan init, Fd line, Fd command);

}  // namespace llrun::world
