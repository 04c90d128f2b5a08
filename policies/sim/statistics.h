// Means with confidence intervals from independent replications.
#pragma once

#include <cstddef>
#include <vector>

namespace llrun::policies::sim {

struct Interval {
  double mean = 0;
  double half_width = 0;  // of the 95 % confidence interval; 0 with fewer than two values
};

// Student's t over independent values of equal weight.
[[nodiscard]] Interval confidence_95(const std::vector<double>& values);

// The same for the ratio of paired values (same workload, two strategies): much narrower than
// either mean.
[[nodiscard]] Interval paired_ratio_95(const std::vector<double>& numerators,
                                       const std::vector<double>& denominators);

// The 0.975 quantile of Student's t.
[[nodiscard]] double student_975(std::size_t degrees);

}  // namespace llrun::policies::sim
