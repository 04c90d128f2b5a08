// KinMaker: makes the processes of a KinPlan. Runs in init and, for those that they make, in its
// members.
#pragma once

#include "base/result.h"
#include "supervisor/world/kin.h"

namespace llrun::world {

// What the guest's process needs on its way to its exec.
struct GuestLaunch {
  int executable = -1;  // of a static ELF file
  int line = -1;        // to the supervisor: told when the process is there; its answer lets it go
  int terminal = -1;    // controlling terminal of its session, or none
  pid_t terminal_session = 0;
};

// By init: make all members, each in its session and group; the last one waits on its line.
[[nodiscard]] Result<> make_kin(const KinPlan& plan, const GuestLaunch& launch);

}  // namespace llrun::world
