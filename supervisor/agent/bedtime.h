// Bedtime: before this node sleeps, guests go home and its own programs come home; before it ends,
// guests go home. As far as that fits into the time that logind waits for us.
//
// What does not fit is as safe as over a lost link (docs/protocol.md, "Suspends"); it is only not
// served meanwhile.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "supervisor/agent/drain.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/processes.h"
#include "supervisor/logind/logind.h"

namespace llrun::agent {

class Bedtime {
 public:
  struct Surroundings {
    EventLoop& loop;
    std::string node;
    EventLog& log;
    Processes& processes;
    Drain& drain;
    // Guests are asked to leave for another reason, and still are when the node wakes.
    std::function<bool()> drains_anyway;
    std::function<void()> changed;  // whether guests are welcome
  };
  static constexpr std::chrono::seconds kTryAgain{60};  // where the bus has gone

  explicit Bedtime(Surroundings around);
  ~Bedtime();
  Bedtime(const Bedtime&) = delete;
  Bedtime& operator=(const Bedtime&) = delete;

  // Why nobody is let in now, in words; empty: no reason here.
  [[nodiscard]] const std::string& why_no_guests() const { return why_; }

 private:
  using Clock = EventLoop::Clock;
  void connect();
  void begin(const std::string& why, bool own_too);
  void wake();
  void look();
  void bring_home();
  [[nodiscard]] std::vector<const Supervised*> away() const;
  [[nodiscard]] bool all_done() const;

  Surroundings around_;
  std::unique_ptr<Logind> logind_;
  EventLoop::TimerId timer_ = 0, retry_ = 0;
  Clock::time_point until_;
  std::string why_;
  bool own_too_ = false;
  std::set<int> asked_;
};

}  // namespace llrun::agent
