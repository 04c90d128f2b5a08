#include "supervisor/agent/crowd.h"

#include <algorithm>

namespace llrun::agent {

using policies::Census;
using protocol::ProcessReport;

// A process that gets a third of a core beside two others would use all of it if it were alone.
Census census_of(const std::vector<const Supervised*>& processes, double running, double cores) {
  constexpr double kIdle = 0.05;  // of a core: it waits for something
  const double sharing = std::max(1.0, running / std::max(cores, 0.01));
  Census census;
  for (const Supervised* process : processes) {
    const ProcessReport& report = process->report;
    const bool here = report.role() == ProcessReport::ROLE_GUEST || report.where().empty();
    // Guests do not say how much they use; they were sent because they would use a core.
    const double rate = report.role() == ProcessReport::ROLE_GUEST ? 1 : report.cpu_rate();
    if (here && rate > kIdle)
      census.add(static_cast<double>(report.cpu_ms()) / 1e3, std::min(1.0, rate * sharing));
  }
  return census;
}

void tell(const Census& census, protocol::Load& load) {
  load.clear_census();
  for (std::size_t i = 0; i < Census::kClasses; ++i)
    load.add_census(static_cast<float>(census.at(i)));
}

// Another node wrote it: what is no count is none.
Census told_census(const protocol::Load& load) {
  constexpr float kMost = 1e6F;
  Census census;
  const auto classes =
      std::min<std::size_t>(Census::kClasses, static_cast<std::size_t>(load.census_size()));
  for (std::size_t i = 0; i < classes; ++i) {
    const float count = load.census(static_cast<int>(i));
    if (count > 0 && count < kMost) census.set(i, static_cast<double>(count));
  }
  return census;
}

}  // namespace llrun::agent
