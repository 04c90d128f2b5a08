// RunQueue: how many threads want a core, smoothed in half-second steps as Mosix does.
#pragma once

#include <cstdint>
#include <optional>

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

// What runs on this node now. In a pid namespace of its own a node is only the processes it sees:
// the kernel's counters are the whole machine's there, so the processes are counted one by one.
struct Activity {
  double running = 0;            // threads running or ready, but for our own
  std::optional<double> used_s;  // CPU seconds of the node's processes; nothing: ask /proc/stat
};
[[nodiscard]] bool is_machines_pid_namespace();
[[nodiscard]] Activity look_at_machine();
[[nodiscard]] Activity look_at_processes();

}  // namespace llrun::load
