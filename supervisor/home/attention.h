// Attention: how much of a program that runs at home is looked at, and when.
//
// To watch must cost next to nothing: most programs sleep, and a node may have hundreds. Once a
// second its CPU clock is read, a system call. What has used nothing since is left alone; what
// sleeps, but for some moments, is measured with growing pauses, and its clock is read with shorter
// ones, which grow as well: to wake up a supervisor costs more than the look itself. Pins cost a
// look at all processes of the node: they are looked for when the program is new, and then, while
// it computes, with pauses that grow as long as nothing changes. Whoever acts on them looks
// himself.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace llrun {

class Attention {
 public:
  using Clock = MonotonicClock;
  static constexpr std::chrono::seconds kLongestPause{32};     // between measures
  static constexpr std::chrono::seconds kLongestPinsPause{8};  // between looks for pins
  static constexpr std::chrono::seconds kLongestLook{16};      // that it goes without a look

  struct Due {
    bool children = false;  // it has run: it may have made some
    bool measures = false;
    bool anew = false;  // it has woken: its rates since the pause began mean nothing
  };
  // Whenever until_next() has passed, or before. `used`: CPU time of the process so far; none if it
  // cannot be told. `rate`: in cores, as measured last.
  [[nodiscard]] Due next(Clock::time_point now, std::optional<std::chrono::nanoseconds> used,
                         double rate);
  [[nodiscard]] std::chrono::seconds until_next() const;
  // It has come home, or has become another program: all is due.
  void start_anew();

  // Whether to look for pins: after a measure that was due, which gave `rate`.
  [[nodiscard]] bool pins_due(Clock::time_point now, double rate) const;
  // The last look has found what the one before it had, or something else.
  void pins_seen(Clock::time_point now, bool changed);

 private:
  std::optional<Clock::time_point> last_;
  std::chrono::nanoseconds used_{};
  std::chrono::seconds pause_{0};  // 0: it is measured every second
  Clock::time_point measured_;
  std::optional<Clock::time_point> pins_at_;
  std::chrono::seconds pins_pause_{1};
};

}  // namespace llrun
