#include "policies/sim/tally.h"

#include <algorithm>
#include <cmath>

namespace llrun::policies::sim {

namespace {
constexpr double kBinsADecade = 40;
}

void Tally::ended(double cpu_s, double response_s, int moves) {
  const double slowdown = response_s / std::max(cpu_s, 1e-6);
  const int bin = static_cast<int>(kBinsADecade * std::log10(std::max(1.0, slowdown)));
  ++slowdowns_[static_cast<std::size_t>(std::min(bin, kBins - 1))];
  ++jobs_;
  response_s_ += response_s;
  slowdown_ += slowdown;
  cpu_s_ += cpu_s;
  if (moves > 0) ++moved_jobs_;
  counted_moves_ += static_cast<std::uint64_t>(moves);
  most_moves_ = std::max(most_moves_, moves);
  if (moves > kOften) ++moved_often_;
  if (cpu_s < kLong_s) return;
  ++long_jobs_;
  long_slowdown_ += slowdown;
  worst_long_slowdown_ = std::max(worst_long_slowdown_, slowdown);
}

double Tally::slowdown_quantile(double part) const {
  const double wanted = part * static_cast<double>(jobs_);
  double seen = 0;
  for (std::size_t bin = 0; bin < slowdowns_.size(); ++bin) {
    seen += static_cast<double>(slowdowns_[bin]);
    if (seen >= wanted) return std::pow(10, (static_cast<double>(bin) + 0.5) / kBinsADecade);
  }
  return 0;
}

void Tally::report(SimResult& result) const {
  const double count = std::max(1.0, static_cast<double>(jobs_));
  result.jobs = jobs_;
  result.mean_response_s = response_s_ / count;
  result.mean_slowdown = slowdown_ / count;
  result.p99_slowdown = slowdown_quantile(0.99);
  result.mean_cpu_s = cpu_s_ / count;
  result.moved_jobs = moved_jobs_;
  result.moves = counted_moves_;
  result.most_moves = most_moves_;
  result.moved_often = moved_often_;
  result.long_slowdown = long_slowdown_ / std::max(1.0, static_cast<double>(long_jobs_));
  result.worst_long_slowdown = worst_long_slowdown_;
}

}  // namespace llrun::policies::sim
