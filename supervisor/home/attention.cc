#include "supervisor/home/attention.h"

#include <algorithm>
#include <utility>

namespace llrun {
namespace {

constexpr double kSleeps = 0.01;  // cores
constexpr std::chrono::seconds kFirstPause{2};
// Nothing pins it, and it may not leave before it is five seconds old, if nobody has said
// otherwise.
constexpr std::chrono::seconds kPauseOfTheNew{4};

}  // namespace

Attention::Due Attention::next(Clock::time_point now, std::optional<std::chrono::nanoseconds> used,
                               double rate) {
  if (!used || !last_) {
    last_ = now;
    used_ = used.value_or(std::chrono::nanoseconds::zero());
    measured_ = now;
    return {true, true, false};
  }
  const auto spent = *used - std::exchange(used_, *used);
  const auto passed = std::max<std::chrono::nanoseconds>(now - std::exchange(*last_, now),
                                                         std::chrono::milliseconds(1));
  const double now_rate = std::chrono::duration<double>(spent) / passed;
  Due due;
  due.children = spent.count() != 0;
  if (now_rate >= kSleeps || (rate >= kSleeps && pause_.count() == 0)) {
    due.anew = std::exchange(pause_, std::chrono::seconds::zero()).count() != 0;
    due.measures = true;
  } else {
    if (pause_.count() == 0) pause_ = kFirstPause;
    due.measures = now - measured_ >= pause_;
    if (due.measures) pause_ = std::min(2 * pause_, kLongestPause);
  }
  if (due.measures) measured_ = now;
  return due;
}

std::chrono::seconds Attention::until_next() const {
  return std::clamp(pause_ / 2, std::chrono::seconds(1), kLongestLook);
}

void Attention::start_anew() {
  last_.reset();
  pause_ = std::chrono::seconds::zero();
  pins_at_.reset();
  pins_pause_ = std::chrono::seconds(1);
}

bool Attention::pins_due(Clock::time_point now, double rate) const {
  if (!pins_at_) return true;
  return rate >= kSleeps && now - *pins_at_ >= pins_pause_;
}

void Attention::pins_seen(Clock::time_point now, bool changed) {
  if (changed)
    pins_pause_ = std::chrono::seconds(1);
  else
    pins_pause_ = pins_at_ ? std::min(2 * pins_pause_, kLongestPinsPause) : kPauseOfTheNew;
  pins_at_ = now;
}

}  // namespace llrun
