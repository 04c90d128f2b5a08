// ClockSurvey: asks a peer what its clocks show, several times, before its world is ordered.
//
// The world's clocks are home's by as much as is found here, however long the order then takes. The
// first question finds a peer that has just been started and may be busy with that; so it is asked
// again, each question when the one before has been answered: seven times more, or, where that
// takes long, as often as half a second allows, but three times at the least. On the I/O thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "supervisor/clock/estimate.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun {

class ClockSurvey {
 public:
  static constexpr int kMost = 8, kLeast = 3;
  static constexpr std::chrono::milliseconds kEnough{500};
  using Send = std::function<void(const protocol::JobMessage&)>;
  using Done = std::function<void(const ClockEstimate&)>;  // once

  ClockSurvey(Send send, Done done) : send_(std::move(send)), done_(std::move(done)) {}

  void begin() { ask(read_clocks()); }
  void on_answer(const protocol::ClockAnswer& answer, const ClockReading& now = read_clocks());

 private:
  void ask(const ClockReading& now);

  Send send_;
  Done done_;
  ClockQuestions questions_;
  int answers_ = 0;
  std::optional<ClockReading> begun_;
};

}  // namespace llrun
