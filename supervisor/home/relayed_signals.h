// Signals that were sent after a program to its node, as long as it is not known to have got them
// there: one that finds it captured for its way home is not in what comes home, and is delivered
// there.
//
// While the link is down, or takes no more, they pile up here, as they would be pending in a
// kernel: of a standard signal one is kept, of the others as many as a user may have queued
// (signal(7), RLIMIT_SIGPENDING). So it is where far more are on their way than a program can have
// pending, which its node says nothing of.
#pragma once

#include <signal.h>

#include <cstdint>
#include <deque>

#include "base/ids.h"

namespace llrun {

class RelayedSignals {
 public:
  struct Signal {
    siginfo_t info{};
    GuestTid tid;            // 0: for the whole process
    bool on_its_way = true;  // else it waits for a link
  };
  enum class Added : std::uint8_t {
    kYes,        // it is to be sent
    kIsPending,  // as another that says the same
    kTooMany,    // its sender would have been told EAGAIN
  };
  static constexpr std::size_t kMostOnTheirWay = 100'000;

  RelayedSignals();
  explicit RelayedSignals(std::uint64_t most_waiting) : most_waiting_(most_waiting) {}

  // `linked`: it leaves at once.
  [[nodiscard]] Added add(const siginfo_t& info, GuestTid tid, bool linked);
  // The guest has got the first `count` of all that were added.
  void heard(std::uint64_t count);
  [[nodiscard]] const std::deque<Signal>& unheard() const { return unheard_; }

 private:
  [[nodiscard]] bool waits(int number, GuestTid tid) const;
  void all_on_their_way();

  std::uint64_t most_waiting_;
  std::uint64_t waiting_ = 0;
  std::uint64_t heard_ = 0;
  std::deque<Signal> unheard_;
};

}  // namespace llrun
