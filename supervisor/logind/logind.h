// Logind: systemd-logind says that this node is about to sleep or to end, and waits for us a while
// (org.freedesktop.login1(5), "Inhibitor locks": of the kind "delay").
//
// The lock is held all the time and let go when what was to be done is done; logind goes on then,
// or when its InhibitDelayMaxUSec are over (5 s by default). A node without a system bus, or
// without logind on it, has none: nothing else is different there. Nothing here waits for the bus.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"

struct sd_bus;

namespace llrun {

class Logind {
 public:
  struct Handlers {
    std::function<void()> sleeps;            // about to: let_it() when ready
    std::function<void()> wakes;             // it has slept, or does neither after all
    std::function<void()> ends;              // shuts down: let_it() when ready
    std::function<void(const Error&)> lost;  // the bus has gone; nothing is heard any more
  };
  static constexpr std::chrono::seconds kUsualDelay{5};
  // A lock that was refused is asked for again, after pauses that double from one to the other.
  static constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{60};

  // kUnsupported: there is no system bus.
  [[nodiscard]] static Result<std::unique_ptr<Logind>> connect(EventLoop& loop, Handlers handlers);
  ~Logind();
  Logind(const Logind&) = delete;
  Logind& operator=(const Logind&) = delete;

  void let_it() { lock_.reset(); }
  // Logind waits for us when it is about to do something.
  [[nodiscard]] bool waits_for_us() const { return lock_.valid(); }
  [[nodiscard]] std::chrono::microseconds delay() const { return delay_; }

 private:
  struct Calls;  // from libsystemd
  Logind(EventLoop& loop, Handlers handlers) : loop_(loop), handlers_(std::move(handlers)) {}
  [[nodiscard]] Result<> listen();
  [[nodiscard]] Result<> take_lock();
  void try_again();
  void process();
  void heard(bool sleep, bool begins);

  EventLoop& loop_;
  Handlers handlers_;
  sd_bus* bus_ = nullptr;
  int watched_ = -1;
  Fd lock_;
  std::chrono::microseconds delay_ = kUsualDelay;
  EventLoop::TimerId retry_ = 0;
  std::chrono::seconds pause_ = kFirstPause;
};

}  // namespace llrun
