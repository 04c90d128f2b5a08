// LoadMeter: this node's part of the Load message. Reads /proc and control groups; knows no time of
// its own.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "supervisor/load/run_queue.h"
#include "supervisor/load/speed.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::load {

class LoadMeter {
 public:
  static constexpr std::chrono::milliseconds kStep{500};

  // What was measured of its cores is kept in `state_directory`.
  explicit LoadMeter(const std::string& state_directory);

  void step();                                                        // every kStep: the run queue
  [[nodiscard]] double running() const { return activity_.running; }  // at that step
  // Since the call before; about once a second. node, levelling, accepts, incoming, guests and the
  // link's numbers are the caller's to fill in.
  [[nodiscard]] protocol::Load measure();
  [[nodiscard]] CoreSpeeds& speeds() { return speeds_; }

 private:
  using Clock = MonotonicClock;
  [[nodiscard]] double idle_cores(double seconds);
  [[nodiscard]] double disk_rate(double seconds);

  CoreSpeeds speeds_;
  RunQueue running_;
  Smoothed run_queue_;
  Activity activity_;
  std::uint64_t looked_at_ms_ = 0;  // when it was looked at, CLOCK_REALTIME
  Clock::time_point measured_at_;
  // what the counters said then
  std::uint64_t total_ticks_ = 0, idle_ticks_ = 0, disk_bytes_ = 0;
  double used_s_ = 0, quota_used_s_ = 0;
};

// The part of it that needs no time: memory as it is now, within the limits of control groups.
void measure_memory(protocol::Load& load);
// Cores this process may use: its affinity, within the quotas of its control groups.
[[nodiscard]] double usable_cores();

}  // namespace llrun::load
