// What a kernel and an account must offer so that llrun works on this node, and what they do.
#pragma once

#include <string>
#include <vector>

#include "supervisor/doctor/finding.h"

namespace llrun::doctor {

// Tries what can be tried, in children of its own. The first finding is the tier: what the node can
// do altogether (docs/agent.md).
[[nodiscard]] std::vector<Finding> examine_node();

// -- the parts, for tests
struct KernelVersion {
  int major = 0, minor = 0;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};
[[nodiscard]] KernelVersion parse_release(const std::string& release);
[[nodiscard]] Finding judge_release(const std::string& release);
[[nodiscard]] Finding judge_yama(const std::string& scope);  // of ptrace_scope; empty: no Yama
[[nodiscard]] Finding judge_subordinate_ids(const std::string& user, unsigned uid,
                                            const std::string& subuid, const std::string& subgid,
                                            bool has_newuidmap);
[[nodiscard]] Finding judge_seccomp(const std::string& actions_available);
struct Abilities {
  bool traces = false, makes_user_namespaces = false, opens_fuse = false, makes_worlds = false;
  bool new_enough = false;
  std::string why_no_world;
};
[[nodiscard]] Finding judge_tier(const Abilities& abilities);

// -- kernel.cc
[[nodiscard]] std::vector<Finding> examine_kernel(Abilities& abilities);
// -- account.cc
[[nodiscard]] std::vector<Finding> examine_account();

}  // namespace llrun::doctor
