// What `llrun` asked of the supervisor of one program.
#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"
#include "base/ids.h"

namespace llrun {

struct HomeOptions {
  HostPid pid;
  Fd pidfd;               // refers to `pid` since before the exec: cannot be mistaken
  bool launched = false;  // by llrun; else attached to
  std::string only_node;  // --node: where it may go; empty: anywhere
  std::chrono::milliseconds after{5000};  // --after: age from which it is eligible
  double max_io = 3;                      // --max-io: MiB/s to and from regular files
  bool stay = false;                      // --stay
  bool verbose = false;                   // -v: tell on stderr
  bool json = false;
  std::chrono::milliseconds lease{30'000};
  std::chrono::milliseconds abandon{600'000};
};

}  // namespace llrun
