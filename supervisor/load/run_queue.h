// RunQueue: how many threads want a core, smoothed in half-second steps as Mosix does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "supervisor/load/processors.h"

namespace llrun::load {

// A step weighs a quarter: after two seconds two thirds of a change are seen, and a burst of a step
// is not taken for a load. (A. Barak, O. La'adan: The MOSIX multicomputer operating system, 1998:
// load is averaged over short intervals and then smoothed.)
class Smoothed {
 public:
  void step(double sample) {
    value_ = started_ ? value_ + kWeight * (sample - value_) : sample;
    started_ = true;
  }
  [[nodiscard]] double value() const { return value_; }

 private:
  static constexpr double kWeight = 0.25;
  double value_ = 0;
  bool started_ = false;
};

// What runs on this node now.
struct Activity {
  double running = 0;            // threads running or ready, but for our own
  std::optional<double> used_s;  // CPU seconds of the node's processes; nothing: ask /proc/stat
};

// What a node is, as far as its load is concerned:
// - in the machine's pid namespace, the machine: the kernel's own counter is taken;
// - there, but bound to some of its processors (taskset, a batch system's cpuset): what runs on
// these;
// - in a pid namespace of its own, the processes it sees.
// For the latter two the processes are looked at one by one, those that sleep not every time: a
// node may have hundreds.
class RunQueue {
 public:
  RunQueue();
  [[nodiscard]] Activity look();

 private:
  [[nodiscard]] Activity look_at_processes(const Processors* only);

  struct Known {
    std::uint64_t cpu = 0;    // ticks, when it was last looked at
    unsigned pause = 0;       // looks that it was left out for, since it slept
    unsigned looks_left = 0;  // of these
  };

  bool own_machine_;
  std::map<int, Known> known_;
};

}  // namespace llrun::load
