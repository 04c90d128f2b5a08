#include "supervisor/load/processors.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>

namespace llrun::load {

Processors Processors::ours() {
  // The kernel refuses a set smaller than its own: NR_CPUS is 8192 at most.
  constexpr int kMost = 8192;
  cpu_set_t* set = CPU_ALLOC(kMost);
  const std::size_t size = CPU_ALLOC_SIZE(kMost);
  CPU_ZERO_S(size, set);
  std::vector<bool> allowed;
  if (::sched_getaffinity(0, size, set) == 0)
    for (int processor = 0; processor < kMost; ++processor)
      allowed.push_back(CPU_ISSET_S(static_cast<std::size_t>(processor), size, set));
  CPU_FREE(set);
  if (allowed.empty())
    allowed.assign(static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))), true);
  return Processors(std::move(allowed));
}

unsigned Processors::count() const {
  return static_cast<unsigned>(std::ranges::count(allowed_, true));
}

bool Processors::are_the_machines() const {
  return static_cast<long>(count()) >= ::sysconf(_SC_NPROCESSORS_ONLN);
}

}  // namespace llrun::load
