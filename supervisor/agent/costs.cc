#include "supervisor/agent/costs.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace llrun::agent {
namespace {

constexpr double kOfOlder = 0.9;           // what a move leaves of the weight of those before it
constexpr double kNewBandwidth = 0.3;      // weight of the newest transfer
constexpr double kTellingBytes = 1 << 20;  // fewer say more of the round trip than of the link
// Before anything is known: two imagined moves, one of nothing and one of 100 MB on a link of 1
// Gbit/s.
constexpr double kImaginedBytes = 100e6, kImaginedFreeze_s = 0.9, kEmptyFreeze_s = 0.05;

}  // namespace

void Costs::Line::add(double bytes, double seconds, double of_older) {
  for (double* sum : {&weight, &x, &y, &xx, &xy}) *sum *= of_older;
  weight += 1;
  x += bytes;
  y += seconds;
  xx += bytes * bytes;
  xy += bytes * seconds;
}

// The least squares among lines that are nowhere negative: where the best of all lines begins below
// nothing, the best of those through nothing.
double Costs::Line::slope() const {
  const double spread = weight * xx - x * x;
  const double free = spread > 0 ? (weight * xy - x * y) / spread : 0;
  if (free * x <= y) return std::max(0.0, free);
  return xy / xx;
}

double Costs::Line::intercept() const { return std::max(0.0, (y - slope() * x) / weight); }

bool Costs::Line::sound() const {
  for (const double sum : {x, y, xx, xy})
    if (!std::isfinite(sum) || sum < 0) return false;
  return std::isfinite(weight) && weight >= 1 && std::isfinite(slope()) &&
         std::isfinite(intercept());
}

Costs::Costs(std::string file) : file_(std::move(file)) {
  line_.add(0, kEmptyFreeze_s, 1);
  line_.add(kImaginedBytes, kImaginedFreeze_s, 1);
  read();
}

void Costs::learn(std::span<const Supervised* const> processes) {
  std::map<std::string, std::uint32_t> seen;
  for (const auto* process : processes) {
    const auto& report = process->report;
    if (report.role() != protocol::ProcessReport::ROLE_HOME) continue;
    seen[report.job()] = report.moves();
    const auto before = moves_seen_.find(report.job());
    // One that is new to this agent may have moved long ago.
    if (before == moves_seen_.end() || report.moves() <= before->second || report.where().empty())
      continue;
    learn_move(report.where(), static_cast<double>(report.last_freeze_us()) / 1e6,
               static_cast<double>(report.last_transfer_bytes()),
               static_cast<double>(report.last_transfer_us()) / 1e6);
  }
  moves_seen_ = std::move(seen);
}

void Costs::learn_move(const std::string& node, double freeze_s, double bytes, double transfer_s) {
  line_.add(bytes, freeze_s, kOfOlder);
  if (bytes >= kTellingBytes && transfer_s > 0) {
    const double carried = bytes / transfer_s / (1U << 20);
    auto& known = bandwidths_[node];
    known = known == 0 ? carried : known + kNewBandwidth * (carried - known);
  }
  write();
}

policies::CostModel Costs::model() const {
  policies::CostModel model;
  model.freeze_s = line_.intercept();
  model.freeze_s_per_byte = line_.slope();
  return model;
}

double Costs::bandwidth(const std::string& node) const {
  const auto found = bandwidths_.find(node);
  return found == bandwidths_.end() ? 0 : found->second;
}

void Costs::read() {
  std::ifstream in(file_);
  Line line;
  // A file that is damaged, or another version's, teaches nothing.
  if (!(in >> line.weight >> line.x >> line.y >> line.xx >> line.xy) || !line.sound()) return;
  line_ = line;
  std::string node;
  double carried = 0;
  while (in >> node >> carried)
    if (std::isfinite(carried) && carried >= 0) bandwidths_[node] = carried;
}

void Costs::write() const {
  if (file_.empty()) return;
  const auto next = file_ + ".new";
  {
    std::ofstream out(next);
    out.precision(17);  // sums of squares, of which differences are taken
    out << line_.weight << ' ' << line_.x << ' ' << line_.y << ' ' << line_.xx << ' ' << line_.xy
        << '\n';
    for (const auto& [node, carried] : bandwidths_) out << node << ' ' << carried << '\n';
    if (!out) return;  // what was learned is worth no trouble
  }
  std::rename(next.c_str(), file_.c_str());
}

}  // namespace llrun::agent
