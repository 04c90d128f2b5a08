#include "supervisor/home/clock_survey.h"

#include <utility>

#include "supervisor/clock/readings.h"

namespace llrun {

void ClockSurvey::ask(const ClockReading& now) {
  if (!begun_) begun_ = now;
  protocol::JobMessage message;
  message.mutable_clock_question()->set_number(questions_.ask(now));
  send_(message);
}

void ClockSurvey::on_answer(const protocol::ClockAnswer& answer, const ClockReading& now) {
  if (!questions_.heard(answer.number(), heard(answer.received()), heard(answer.answered()), now))
    return;  // a peer that answers nonsense is waited for as one that does not answer
  const auto passed = std::chrono::nanoseconds(now.monotonic_ns - begun_->monotonic_ns);
  ++answers_;
  if (answers_ < kMost && (answers_ < kLeast || passed < kEnough)) return ask(read_clocks());
  if (const auto done = std::exchange(done_, {})) done(*questions_.estimate());
}

}  // namespace llrun
