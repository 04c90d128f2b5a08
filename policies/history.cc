#include "policies/history.h"

#include <algorithm>
#include <cmath>

namespace llrun::policies {

namespace {
constexpr double kYoungest_s = 0.05;  // the law says nothing of a process of age zero
constexpr double kFewRuns = 2;        // below which nothing is expected of a start
constexpr double kSureRuns = 4.5;     // five of them, the older ones faded
constexpr double kSurePart = 0.75;    // of them
}  // namespace

void ProgramHistory::record(const RunRecord& run, double kept) {
  cpu_s.add(run.cpu_s, kept);
  io_bytes_per_s.add(run.io_bytes_per_s, kept);
  rss_bytes.add(run.rss_bytes, kept);
  home_calls_per_s.add(run.home_calls_per_s, kept);
}

void ProgramHistory::merge(const ProgramHistory& other) {
  cpu_s.merge(other.cpu_s);
  io_bytes_per_s.merge(other.io_bytes_per_s);
  rss_bytes.merge(other.rss_bytes);
  home_calls_per_s.merge(other.home_calls_per_s);
}

// The chance to live `more` further seconds mixes what runs that reached this age did with what the
// law says; the median is where it passes one half.
double remaining_cpu_s(const ProgramHistory* history, double cpu_s, double law_weight) {
  const double age = std::max(cpu_s, kYoungest_s);
  if (history == nullptr) return age;
  const double runs = history->cpu_s.weight_from(cpu_s);
  const auto alive = [&](double more) {
    const double law = age / (age + more);
    return (runs * history->cpu_s.survival(cpu_s, cpu_s + more) + law_weight * law) /
           (runs + law_weight);
  };
  double low = 0, high = age;
  for (int i = 0; i < 60 && alive(high) > 0.5; ++i) high *= 2;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (alive(middle) > 0.5 ? low : high) = middle;
  }
  return (low + high) / 2;
}

std::optional<double> expected_cpu_s(const ProgramHistory* history) {
  if (history == nullptr || history->cpu_s.weight() < kFewRuns) return std::nullopt;
  return history->cpu_s.quantile(0.5);
}

bool surely_uses(const ProgramHistory* history, double cpu_s) {
  if (history == nullptr) return false;
  const double runs = history->cpu_s.weight();
  return runs >= kSureRuns && history->cpu_s.weight_from(cpu_s) >= kSurePart * runs;
}

}  // namespace llrun::policies
