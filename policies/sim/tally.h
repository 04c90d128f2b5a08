// Tally: what a run is judged by.
#pragma once

#include <array>
#include <cstdint>

#include "policies/sim/simulator.h"

namespace llrun::policies::sim {

class Tally {
 public:
  static constexpr double kLong_s = 10;
  static constexpr int kOften = 4;

  void ended(double cpu_s, double response_s, int moves);
  // Fills in what was counted here.
  void report(SimResult& result) const;

 private:
  [[nodiscard]] double slowdown_quantile(double part) const;

  // Slowdowns by logarithm, 40 a decade, from 1 to 10^6: quantiles within 3 %.
  static constexpr int kBins = 240;
  std::array<std::uint64_t, kBins> slowdowns_{};
  std::uint64_t jobs_ = 0;
  double response_s_ = 0, slowdown_ = 0, cpu_s_ = 0;
  std::uint64_t moved_jobs_ = 0, counted_moves_ = 0;
  int most_moves_ = 0;
  std::uint64_t long_jobs_ = 0, moved_often_ = 0;
  double long_slowdown_ = 0, worst_long_slowdown_ = 0;
};

}  // namespace llrun::policies::sim
