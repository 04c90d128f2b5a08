// The clocks of this node that leases, silences and timers are counted on, and what a sleep of the
// node does to them.
//
// While a node is suspended, CLOCK_MONOTONIC stands still and CLOCK_BOOTTIME does not
// (clock_gettime(2)): a time counted on the first is time in which this node could have heard
// something, a time counted on the second is time that has passed for everybody. Tests have no
// suspend: pretend_sleeps() lets them say how long the node is to have slept.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace llrun {

// Stands still while the node sleeps.
struct MonotonicClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
  [[nodiscard]] static time_point now() noexcept;
};

// Goes on while the node sleeps.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  [[nodiscard]] static time_point now() noexcept;
};

// What the kernel's clocks show at one moment: what programs see, so no pretence is in it.
struct ClockReading {
  std::int64_t monotonic_ns = 0, boottime_ns = 0, realtime_ns = 0;
};
[[nodiscard]] ClockReading read_clocks();

// How long this node slept since the last look. A reading of the two clocks is not one moment, so
// less than kNoticed is none.
class Sleeps {
 public:
  static constexpr std::chrono::milliseconds kNoticed{500};
  Sleeps();
  [[nodiscard]] std::chrono::nanoseconds look();  // zero: it did not

 private:
  std::chrono::nanoseconds slept_;  // in all, since the node's start
};

// From here on this process believes that its node has slept for as many nanoseconds as the eight
// bytes at the beginning of this file say, whenever they are changed. Without such a file nothing
// is different. For the beginning of main(); once.
void pretend_sleeps(const std::string& file);

}  // namespace llrun
