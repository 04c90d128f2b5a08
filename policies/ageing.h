// Ageing: how far a guest stands back behind programs that are younger than it.
//
// Most programs end soon, and those that have used much CPU will use much more (the 1/T law), so
// serving the young first makes everybody's mean response shorter and costs the old little: they
// get what the young leave, which is nearly all (docs/strategies.md). A node does so with its
// guests, whose niceness is nobody else's business: the shadow at home keeps the program's own,
// which is what the program and its parent are told. Only ever upwards, as an ordinary user may
// (setpriority(2)).
#pragma once

#include <algorithm>
#include <cmath>

namespace llrun::policies {

// One level of niceness is worth this in the share of a processor: sched_prio_to_weight in the
// kernel's kernel/sched/core.c, sched(7).
inline constexpr double kNiceStep = 1.25;
// The oldest have a third of the share of a program that is not niced. Less would serve the young
// better still (docs/strategies.md), but beside a program of the host that never ends it would be
// all that an old guest gets.
inline constexpr int kOldestNice = 5;

// The share of a process of this niceness, relative to one of niceness 0.
[[nodiscard]] inline double nice_weight(int nice) { return std::pow(kNiceStep, -nice); }

class Ageing {
 public:
  // `from_s`: CPU seconds from which a guest stands back; 0: never.
  explicit Ageing(double from_s) : from_s_(from_s) {}
  // The share is in inverse proportion to the age: three levels of niceness each time it doubles.
  [[nodiscard]] int nice_at(double cpu_age_s) const {
    if (from_s_ <= 0 || cpu_age_s <= from_s_) return 0;
    const double levels = std::log(cpu_age_s / from_s_) / std::log(kNiceStep);
    return static_cast<int>(std::min(std::round(levels), static_cast<double>(kOldestNice)));
  }

 private:
  double from_s_;
};

}  // namespace llrun::policies
