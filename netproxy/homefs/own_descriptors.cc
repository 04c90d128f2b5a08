#include "netproxy/homefs/own_descriptors.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace llrun::homefs {

Result<> keep_only(std::initializer_list<int> descriptors) {
  if (::unshare(CLONE_FILES) != 0) return system_error("give a thread descriptors of its own");
  std::vector<int> kept(descriptors);
  std::ranges::sort(kept);
  unsigned first = 0;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned>(fd);
    if (number > first && ::close_range(first, number - 1, 0) != 0)
      return system_error("close what a thread does not need");
    first = number + 1;
  }
  if (::close_range(first, ~0U, 0) != 0) return system_error("close what a thread does not need");
  return {};
}

}  // namespace llrun::homefs
