// What a node's owner lets guests have, taken on by the supervisor of one before it has made
// anything: its world and the guest inherit all of it.
#pragma once

#include <string>
#include <vector>

namespace llrun {

struct Restraint {
  int nice = 0;
  int cores = 0;                    // all guests share so many; 0: any
  std::vector<std::string> groups;  // cgroup.procs files of the groups that limit guests
};

// For the calling process. What the kernel does not grant is said in the log and left to the agent,
// which looks at what guests use (docs/agent.md).
void take_on(const Restraint& restraint);

}  // namespace llrun
