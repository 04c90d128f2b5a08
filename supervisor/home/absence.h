// Absence: that the node which has the program is not reached: since when, why, and when it is
// tried again.
//
// Silence proves nothing of the program, however long it lasts.
#pragma once

#include <chrono>
#include <string>

#include "base/event_loop.h"

namespace llrun {

class Absence {
 public:
  using Clock = EventLoop::Clock;

  void begin(std::string why);
  void end() { lasts_ = false; }
  // Why a try has failed; true when that is news.
  bool note(const std::string& why);

  [[nodiscard]] bool lasts() const { return lasts_; }
  [[nodiscard]] std::chrono::milliseconds length() const;  // zero: it does not last
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] std::chrono::milliseconds next_pause();
  // "has not been reached for 3:05 (why)"
  [[nodiscard]] std::string in_words() const;

 private:
  bool lasts_ = false;
  Clock::time_point since_;
  std::chrono::milliseconds pause_{0};
  std::string why_;
};

}  // namespace llrun
