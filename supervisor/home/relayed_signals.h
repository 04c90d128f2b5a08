// Signals that were sent after a program to its node, as long as it is not known to have got them
// there: one that finds it captured for its way home is not in what comes home, and is delivered
// there.
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
    GuestTid tid;  // 0: for the whole process
  };
  void add(const siginfo_t& info, GuestTid tid) { unheard_.push_back({info, tid}); }
  // The guest has got the first `count` of all that were added.
  void heard(std::uint64_t count) {
    for (; heard_ < count && !unheard_.empty(); ++heard_) unheard_.pop_front();
  }
  [[nodiscard]] const std::deque<Signal>& unheard() const { return unheard_; }

 private:
  std::uint64_t heard_ = 0;
  std::deque<Signal> unheard_;
};

}  // namespace llrun
