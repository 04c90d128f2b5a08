// Waiters: the programs that nobody has a reason to watch yet.
//
// Each has a waiter (tools/llrun_beginning.h), which becomes its supervisor when it is told to: as
// soon as the program computes or has children, while there is a node that could have it; or when
// somebody asks about it. Until then the agent looks at all of them itself, which costs a system
// call each. A waiter whose connection closes without a word takes the agent for dead, becomes a
// supervisor, and starts another.
#pragma once

#include <sys/types.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/waiting.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/processes.h"
#include "supervisor/control/listening_socket.h"
#include "supervisor/home/watch.h"

namespace llrun::agent {

class Waiters {
 public:
  using Clock = EventLoop::Clock;
  static constexpr std::chrono::milliseconds kComputes{250};  // CPU time that makes it worth a look
  static constexpr std::size_t kWokenAtOnce = 10;             // a look: each costs 20 ms and more
  // Then whoever was woken is not expected any more.
  static constexpr std::chrono::seconds kWakesWithin{10};
  static constexpr std::size_t kMost = 10'000;  // who comes then becomes a supervisor

  struct Surroundings {
    EventLoop& loop;
    EventLog& log;
    const Processes& processes;      // where those who have been woken are heard of
    std::function<bool()> could_go;  // whether there is a node that could have a program now
    // What was seen of a program that computes, and its end: as of one with a supervisor.
    std::function<void(const protocol::ProcessReport&)> heard, ended;
  };
  // Listens at those of `addresses` that can be had.
  Waiters(Surroundings around, const std::vector<std::string>& addresses);
  ~Waiters();
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

  void look();          // some times a second
  void say_stopping();  // they wait for another agent

  // What is waited for, with all that comes from it and is there.
  [[nodiscard]] std::vector<protocol::ProcessReport> reports();
  [[nodiscard]] std::size_t count() const { return waiting_.size(); }
  // True: `pid` is not supervised yet, and will be heard of in a moment. Who waits for it, or for
  // what it comes from, is woken by this.
  [[nodiscard]] bool wake_for(int pid);
  // In cores, as measured before it was woken, some seconds ago at most; 0: it is not known. A new
  // supervisor has yet to measure it.
  [[nodiscard]] double cpu_rate_before(int pid) const;

 private:
  struct Waiting {
    Fd socket;
    Watch watch;
    pid_t waiter;
    Clock::time_point since = Clock::now(), looked_at{};
    std::chrono::nanoseconds used{0};
    bool has_reason = false;  // to be watched, as of the last look
    bool heard = false;       // it was told of
    bool woken = false;
  };
  // Whoever is becoming a supervisor, by when he has been heard of, and what is known so far.
  struct Expected {
    Clock::time_point until;
    pid_t waiter;
    double cpu_rate;
  };
  struct Newcomer {
    Fd socket;
    pid_t waiter;
  };
  void accept(const control::ListeningSocket& socket);
  void first_word(std::list<Newcomer>::iterator newcomer);
  void ready(int pid);
  void wake(int pid, Waiting& waiting);
  void expect(int pid, const Waiting& waiting);
  [[nodiscard]] bool has_reason(int pid, Waiting& waiting, Clock::time_point now);
  [[nodiscard]] static protocol::ProcessReport report_of(int pid, const Waiting& waiting);

  Surroundings around_;
  std::list<control::ListeningSocket> sockets_;
  bool stopping_ = false;
  std::list<Newcomer> newcomers_;
  std::map<int, Waiting> waiting_;  // by the pid of the program
  std::map<int, Expected> expected_;
};

}  // namespace llrun::agent
