#include "policies/sim/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace llrun::policies::sim {

double student_975(std::size_t degrees) {
  static constexpr std::array kTable{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                     2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                     2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                     2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees == 0) return 0;
  if (degrees <= kTable.size()) return kTable[degrees - 1];
  return 1.96 + 2.4 / static_cast<double>(degrees);
}

Interval confidence_95(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  if (values.empty()) return {};
  double mean = 0;
  for (const double value : values) mean += value / count;
  if (values.size() < 2) return {mean, 0};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / (count - 1));
  return {mean, student_975(values.size() - 1) * deviation / std::sqrt(count)};
}

Interval paired_ratio_95(const std::vector<double>& numerators,
                         const std::vector<double>& denominators) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(numerators.size(), denominators.size()); ++i)
    ratios.push_back(numerators[i] / denominators[i]);
  return confidence_95(ratios);
}

}  // namespace llrun::policies::sim
