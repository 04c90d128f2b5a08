#include "supervisor/guest/oom_score.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/fd.h"

namespace llrun {
namespace {
// Half of the node's memory: more than what most of its owner's programs use.
constexpr std::int32_t kRaised = 500;
constexpr std::int32_t kMost = 1000;  // OOM_SCORE_ADJ_MAX
}  // namespace

std::int32_t oom_score_of_guest(std::int32_t own, std::int32_t supervisors) {
  return std::min(std::max(own, supervisors) + kRaised, kMost);
}

std::int32_t oom_score_at_home(std::int32_t own, std::int32_t supervisors, std::int32_t now) {
  return now == oom_score_of_guest(own, supervisors) ? own : now;
}

std::int32_t supervisors_oom_score() {
  return std::atoi(read_whole_file("/proc/self/oom_score_adj").value_or("0").c_str());
}

Result<> set_oom_score(HostPid process, std::int32_t score) {
  LLRUN_TRY_ASSIGN(
      const Fd file,
      open_file("/proc/" + std::to_string(process.value) + "/oom_score_adj", O_WRONLY));
  return write_all(file.get(), bytes_of(std::string_view(std::to_string(score))));
}

}  // namespace llrun
