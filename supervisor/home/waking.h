// Waking: tells that a program which has slept computes again, without looking at it.
//
// A timer on the program's own CPU clock (clock_getcpuclockid(3), timer_create(2)), which belongs
// to us: the program sees nothing of it, and as long as it sleeps nothing happens at all. The
// kernel looks at such timers when a tick meets the program on a processor
// (kernel/time/posix-cpu-timers.c), so one that runs for less than that may stay unnoticed.
#pragma once

#include <time.h>

#include <functional>
#include <memory>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"

namespace llrun {

class Waking {
 public:
  // `woken` on `loop`, whose thread has to call this and is told by a signal of its own (SIGRTMIN).
  [[nodiscard]] static Result<std::unique_ptr<Waking>> create(EventLoop& loop, HostPid program,
                                                              std::function<void()> woken);
  ~Waking();
  Waking(const Waking&) = delete;
  Waking& operator=(const Waking&) = delete;

  // Tell once when the program has run for a moment more than until now.
  void arm();
  void disarm();

 private:
  Waking(EventLoop& loop, Fd signals, timer_t timer)
      : loop_(loop), signals_(std::move(signals)), timer_(timer) {}

  EventLoop& loop_;
  Fd signals_;  // signalfd
  timer_t timer_;
};

}  // namespace llrun
