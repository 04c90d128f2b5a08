// PutOff: a way home that could not be gone yet, and when it is tried again.
//
// What holds a program may be gone in a moment (a file of /proc that it has open, a file of home's
// that one of its threads waits for) or last for days. So the pauses grow, and whoever asks
// meanwhile waits for the next try instead of causing one.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "base/event_loop.h"

namespace llrun {

class PutOff {
 public:
  PutOff(EventLoop& loop, std::function<void()> try_again)
      : loop_(loop), try_again_(std::move(try_again)) {}
  ~PutOff() { loop_.cancel(timer_); }
  PutOff(const PutOff&) = delete;
  PutOff& operator=(const PutOff&) = delete;

  // Once more, for this reason.
  void put_off(std::string why);
  [[nodiscard]] bool waiting() const { return timer_ != 0; }
  // Somebody asks for it now: there is no pause before the next try, and the one after that is as
  // long as it would have been. Not so soon after a try that whoever asks again and again, as an
  // agent does, makes one try after another.
  void skip_pause();
  // Nobody wants to go home any more.
  void forget();

  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] unsigned times() const { return times_; }
  [[nodiscard]] std::chrono::milliseconds pause() const;  // before the next try

 private:
  EventLoop& loop_;
  std::function<void()> try_again_;
  std::string why_;
  unsigned times_ = 0;
  EventLoop::Clock::time_point last_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace llrun
