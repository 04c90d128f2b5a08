#include "supervisor/home/process_age.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "base/claim.h"

namespace llrun {
namespace {

std::chrono::milliseconds since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::milliseconds(now.tv_sec * 1000 + now.tv_nsec / 1'000'000);
}

}  // namespace

std::chrono::milliseconds process_start(HostPid pid) {
  const auto ticks = claim::inside::start_of(pid.value);
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(ticks * 1000 / static_cast<unsigned long>(::sysconf(_SC_CLK_TCK))));
}

std::chrono::milliseconds process_age(HostPid pid) {
  const auto start = process_start(pid);
  if (start == start.zero()) return start;
  return std::max(since_boot() - start, std::chrono::milliseconds::zero());
}

}  // namespace llrun
