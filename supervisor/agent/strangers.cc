#include "supervisor/agent/strangers.h"

#include <algorithm>
#include <cstdint>

#include "supervisor/agent/views.h"

namespace llrun::agent {
namespace {

using protocol::ProcessReport;

// A supervisor that has just found its program here knows after two of its looks, one a second, how
// much it uses.
bool is_new_here(const ProcessReport& report) {
  constexpr std::uint64_t kNew_ms = 3000;
  return report.age_ms() < kNew_ms || (report.moves() > 0 && report.since_last_move_ms() < kNew_ms);
}

// Its part in the run queue.
double threads_of(const ProcessReport& report, const policies::NodeView& self) {
  if (report.role() == ProcessReport::ROLE_GUEST) return 1;  // guests do not say
  if (!report.where().empty()) return 0;
  if (report.cpu_rate() == 0 && is_new_here(report)) return 1;
  return wanted_cores(report, self);
}

}  // namespace

// Below zero while a known program sleeps that runs at most looks: on average that is right.
void Strangers::look(double running, const std::vector<const Supervised*>& processes,
                     const policies::NodeView& self) {
  last_ = running;
  for (const auto* process : processes) last_ -= threads_of(process->report, self);
  smoothed_.step(last_);
}

double Strangers::lasting() const {
  constexpr double kSomebody = 0.5;  // one that comes counts from the third look on
  const double lasting = std::min(last_, smoothed_.value());
  return lasting < kSomebody ? 0 : lasting;
}

}  // namespace llrun::agent
