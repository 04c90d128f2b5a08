// Processor: a node's cores, shared equally by all that runs there.
//
// Virtual time: the CPU each resident has received since the beginning. It advances at the rate one
// resident gets now, so a resident that needs c CPU seconds ends when virtual time has advanced by
// c, however the rate changes meanwhile; nothing has to be touched but the clock when somebody
// comes or goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "policies/load.h"

namespace llrun::policies::sim {

class Processor {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  // Equal cores; `cores` may be fractional.
  Processor(double cores, double speed);
  // Cores of these speeds, shared ideally: the fastest are used first (the bound of ideal
  // levelling).
  explicit Processor(std::vector<double> core_speeds);

  // `id` needs `cpu_s` more; ids are unique among the residents.
  void enter(double now_s, std::uint32_t id, double cpu_s);
  // Takes `id` out; what it has received since it entered.
  double leave(double now_s, std::uint32_t id);
  void advance(double now_s);
  // Everything here is slower by this factor from now on (1: not): a node that swaps.
  void slow_down(double now_s, double factor);

  // When the next resident ends if nobody comes or goes; kNever when there is none. After
  // advance().
  [[nodiscard]] double next_end_s() const;
  // Whether the next resident has ended by now; after advance().
  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] std::uint32_t next_id() const { return residents_.front().id; }

  [[nodiscard]] std::size_t count() const { return residents_.size(); }
  [[nodiscard]] double load() const { return load_.value(); }
  [[nodiscard]] double busy_cpu_s() const { return busy_cpu_s_; }

  struct Resident {
    double end_v;
    double start_v;
    std::uint32_t id;
  };
  [[nodiscard]] const std::vector<Resident>& residents() const { return residents_; }
  [[nodiscard]] double received(const Resident& resident) const {
    return virtual_s_ - resident.start_v;
  }

 private:
  [[nodiscard]] double capacity(std::size_t count) const;
  [[nodiscard]] double rate() const;  // CPU seconds a second for each resident
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  std::vector<double> speed_sum_;  // of the fastest 1, 2, … cores; empty for equal cores
  double cores_ = 0;
  double speed_ = 0;
  std::vector<Resident> residents_;  // heap by end_v
  double virtual_s_ = 0;
  double updated_s_ = 0;
  double busy_cpu_s_ = 0;
  double slow_ = 1;
  SmoothedLoad load_;
};

}  // namespace llrun::policies::sim
