// Leftovers: what crashes of agents, supervisors and nodes may leave behind, and how it is removed.
//
// Only this user's, and only what nobody living cares for any more: each kind says how that is
// known. What looks like a leftover for a moment only (a world that is just ending) is none.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace llrun::leftovers {

struct Leftover {
  std::string kind;  // "shadow", "guest", "mount", "socket", "cgroup", "image"
  std::string what;  // in words
  std::function<Result<>()> remove;
};

// Looks twice, some time apart, when there is anything to be seen.
[[nodiscard]] std::vector<Leftover> find();

// The parts.
[[nodiscard]] std::vector<Leftover> of_processes();
[[nodiscard]] std::vector<Leftover> of_files();

}  // namespace llrun::leftovers
