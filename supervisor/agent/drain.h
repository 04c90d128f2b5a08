// Drain: guests are asked to leave this node, again and again until they have.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/processes.h"

namespace llrun::agent {

class Drain {
 public:
  using Clock = EventLoop::Clock;
  // A guest that could not go just then (it was arriving, say) is asked again after so long.
  static constexpr std::chrono::seconds kAskAgain{3};
  // The guests that are still here when the time is over; none: all have left.
  using Done = std::function<void(const std::vector<std::string>& left)>;

  Drain(EventLoop& loop, EventLog& log, Processes& processes);
  ~Drain();
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  // May be called again, by somebody else who waits.
  void begin(const std::string& reason, std::chrono::milliseconds limit, Done done);
  void end();  // nobody is asked any more; those who wait are told what is left

 private:
  struct Waiter {
    Clock::time_point until;
    Done done;
  };
  void step();
  void ask(const Supervised& guest);
  void tell_waiters(bool all);
  [[nodiscard]] std::vector<const Supervised*> guests() const;

  EventLoop& loop_;
  EventLog& log_;
  Processes& processes_;
  std::string reason_;
  EventLoop::TimerId timer_ = 0;
  std::vector<Waiter> waiters_;
  std::map<std::string, Clock::time_point> asked_;  // job -> when
};

}  // namespace llrun::agent
