// EventLoop: epoll, timers and work from other threads, for one thread.
//
// The control loop of every long-running process here. Callbacks run on the thread that called
// run(); only post() and stop() may be called from others. A callback may add and remove watches,
// its own included.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <source_location>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace llrun {

class EventLoop {
 public:
  using Clock = MonotonicClock;
  using Handler = std::function<void(std::uint32_t epoll_events)>;
  using Task = std::function<void()>;
  using TimerId = std::uint64_t;

  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> create();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // By whom a task was given to the loop: a test names it if it takes long (slow_tasks.h).
  using Given = std::source_location;

  // Watch `fd` (not owned) for `events` (EPOLLIN, EPOLLOUT; errors always come).
  [[nodiscard]] Result<> watch(int fd, std::uint32_t events, Handler handler,
                               Given given = Given::current());
  [[nodiscard]] Result<> change(int fd, std::uint32_t events);
  void unwatch(int fd);

  TimerId after(Clock::duration delay, Task task, Given given = Given::current());
  TimerId every(Clock::duration period, Task task, Given given = Given::current());
  void cancel(TimerId timer);

  // Any thread: run `task` on the loop's thread.
  void post(Task task, Given given = Given::current());
  void run();   // until stop()
  void stop();  // any thread

 private:
  struct Timer {
    TimerId id;
    Clock::duration period;  // zero: once
    std::shared_ptr<Task> task;
    Given given;
  };
  struct Watch {
    Handler handler;
    Given given;
  };
  struct Posted {
    Task task;
    Given given;
  };
  EventLoop() = default;
  [[nodiscard]] int milliseconds_to_next_timer() const;
  void run_due_timers();
  void run_posted();

  Fd epoll_;
  Fd wakeup_;  // eventfd
  std::map<int, std::shared_ptr<Watch>> watches_;
  std::multimap<Clock::time_point, Timer> timers_;
  TimerId next_timer_ = 1;
  TimerId running_timer_ = 0;
  bool running_timer_cancelled_ = false;
  std::mutex posted_mutex_;
  std::vector<Posted> posted_;
  bool stopping_ = false;
};

}  // namespace llrun
