// What another node's clocks show beside ours, from exchanges of four readings as NTP makes them
// (RFC 5905, 8: On-Wire Protocol; 10: Clock Filter).
//
// A question is asked here, received and answered there, and the answer is heard here. How long it
// waited to be handled at either end counts as if it had been on the way, so on a busy node most
// exchanges say little: of the last ones that with the least delay is believed. It cannot be wrong
// by more than half of that delay.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace llrun {

struct ClockExchange {
  ClockReading asked, received, answered, heard;  // here, there, there, here
};

// The other's clocks minus ours.
struct ClockEstimate {
  std::int64_t monotonic_ns = 0, boottime_ns = 0, realtime_ns = 0;
  std::int64_t error_ns = 0;  // each of them is right to this
};

class ClockFilter {
 public:
  static constexpr std::size_t kKept = 8;  // as many as NTP's

  void add(const ClockExchange& exchange);  // one that cannot have been is left out
  [[nodiscard]] std::optional<ClockEstimate> estimate() const;

 private:
  std::deque<ClockEstimate> kept_;
};

// How long, from `now` on, until clocks show at least what is wanted of CLOCK_MONOTONIC and
// CLOCK_BOOTTIME: a program that goes on earlier would see them go back.
[[nodiscard]] std::chrono::nanoseconds until_shown(const ClockReading& wanted,
                                                   const ClockReading& now);

// The side that asks: remembers what is on its way.
class ClockQuestions {
 public:
  // The number of a question that leaves now.
  [[nodiscard]] std::uint64_t ask(const ClockReading& now);
  // Its answer has come: how long it was on its way, in nanoseconds, but for the time between
  // `received` and `answered`. Nothing: no such question is open.
  std::optional<std::int64_t> heard(std::uint64_t number, const ClockReading& received,
                                    const ClockReading& answered, const ClockReading& now);
  [[nodiscard]] std::optional<ClockEstimate> estimate() const { return filter_.estimate(); }

 private:
  static constexpr std::size_t kOpen = 8;  // older ones are given up
  std::uint64_t asked_ = 0;
  std::deque<std::pair<std::uint64_t, ClockReading>> open_;
  ClockFilter filter_;
};

}  // namespace llrun
