#include "supervisor/doctor/node.h"

#include <cstdio>

#include "supervisor/traits/traits.h"

namespace llrun::doctor {

KernelVersion parse_release(const std::string& release) {
  KernelVersion version;
  if (std::sscanf(release.c_str(), "%d.%d", &version.major, &version.minor) != 2) return {};
  return version;
}

Finding judge_tier(const Abilities& abilities) {
  const std::string about = "tier";
  if (!abilities.traces)
    return missing(about, "none: programs can be neither sent nor hosted",
                   "programs run where they are started", "see what is missing below");
  if (abilities.makes_worlds) return ok(about, "A: sends programs and hosts guests");
  if (!abilities.makes_user_namespaces || !abilities.new_enough)
    return missing(about, "C: sends programs, hosts none", "guests: " + abilities.why_no_world,
                   "see what is missing below");
  if (!abilities.opens_fuse)
    return missing(about, "B: user namespaces without FUSE", "guests: they need the file view",
                   "see /dev/fuse below");
  return missing(about, "C: sends programs, hosts none", "guests: " + abilities.why_no_world, "");
}

std::vector<Finding> examine_node() {
  Abilities abilities;
  auto findings = examine_kernel(abilities);
  const auto of_account = examine_account();
  findings.insert(findings.end(), of_account.begin(), of_account.end());
  findings.insert(findings.begin(), judge_tier(abilities));
  return findings;
}

}  // namespace llrun::doctor
