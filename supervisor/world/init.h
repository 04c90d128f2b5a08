// Init: process 1 of a world. Builds it, then does what the supervisor asks until either is gone.
#pragma once

#include <string>

#include "base/fd.h"
#include "supervisor/world/kin.h"
#include "supervisor/world/tree.h"
#include "supervisor/world/world.h"

namespace llrun::world {

struct InitPlan {
  KinPlan kin;
  pid_t session = 0;  // home's
  std::string host_name, domain_name;
  Tree::StageOptions tree;
  const WorldOptions* options = nullptr;
};

// The life of init, in the new namespaces. `command` is its line to the supervisor.
[[noreturn]] void run_init(const InitPlan& plan, Fd command);

}  // namespace llrun::world
