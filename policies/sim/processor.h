// Processor: a node's cores, shared by all that runs there: equally among those of one niceness,
// and between levels of niceness as Linux weighs them (policies/ageing.h). Nobody gets more than
// one core; what that leaves over goes to the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "policies/load.h"
#include "policies/sim/sharers.h"

namespace llrun::policies::sim {

class Processor {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  // Equal cores; `cores` may be fractional.
  Processor(double cores, double speed);
  // Cores of these speeds, shared ideally: the fastest are used first (the bound of ideal
  // levelling). Nobody is niced here.
  explicit Processor(std::vector<double> core_speeds);

  // `id` needs `cpu_s` more; ids are unique among the residents.
  void enter(double now_s, std::uint32_t id, double cpu_s, int nice = 0);
  // Takes `id` out; what it has received since it entered.
  double leave(double now_s, std::uint32_t id);
  void renice(double now_s, std::uint32_t id, int nice);
  void advance(double now_s);
  // Everything here is slower by this factor from now on (1: not): a node that swaps.
  void slow_down(double now_s, double factor);

  // When the next resident ends if nobody comes or goes; kNever when there is none. After
  // advance().
  [[nodiscard]] double next_end_s() const;
  // Whether the next resident has ended by now; after advance().
  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] std::uint32_t next_id() const { return next()->sharers.first(); }

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] double load() const { return load_.value(); }
  [[nodiscard]] double busy_cpu_s() const { return busy_cpu_s_; }

  // tell(id, received_s since it entered) for each resident; after advance().
  template <typename Tell>
  void each(const Tell& tell) const {
    for (const Level& level : levels_) level.sharers.each(tell);
  }

 private:
  struct Level {
    int nice;
    double weight;
    double rate = 0;  // CPU seconds a second for each that is here
    Sharers sharers;
  };
  [[nodiscard]] double capacity() const;  // CPU seconds a second of all together
  [[nodiscard]] Level& level(int nice);
  [[nodiscard]] const Level* next() const;  // where the next one ends; none when there is nobody
  Sharers::Left take(std::uint32_t id);
  void share();  // somebody has come or gone: what each gets now

  std::vector<double> speed_sum_;  // of the fastest 1, 2, … cores; empty for equal cores
  double cores_ = 0;
  double speed_ = 0;
  std::vector<Level> levels_;  // that have been used, the least nice first
  std::size_t count_ = 0;
  double updated_s_ = 0;
  double busy_cpu_s_ = 0;
  double slow_ = 1;
  SmoothedLoad load_;
};

}  // namespace llrun::policies::sim
