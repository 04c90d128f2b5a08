// SmoothedLoad: Mosix's measure of load, the run-queue length smoothed in half-second steps.
#pragma once

#include <cmath>

namespace llrun::policies {

inline constexpr double kLoadStep_s = 0.5;
// What one step leaves of the past. e^-1: the load follows a change by 63 % in one step, 86 % in
// two.
inline constexpr double kLoadKept = 0.36787944117144233;

class SmoothedLoad {
 public:
  // The run queue was `processes` for the last `seconds` (any length; a sampler passes
  // kLoadStep_s).
  void pass(double seconds, double processes) {
    value_ = processes + (value_ - processes) * std::pow(kLoadKept, seconds / kLoadStep_s);
  }
  [[nodiscard]] double value() const { return value_; }

 private:
  double value_ = 0;
};

}  // namespace llrun::policies
