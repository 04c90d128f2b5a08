// Signals that were sent after a program to its node, as long as it is not known to have got them
// there: one that finds it captured for its way home is not in what comes home, and is delivered
// there.
//
// While the link is down they pile up here, as they would be pending in a kernel: of a standard
// signal one is kept, of the others as many as a user may have queued (signal(7),
// RLIMIT_SIGPENDING).
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
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
  enum class Added : std::uint8_t { kYes, kIsPending, kTooMany };
  explicit RelayedSignals(std::uint64_t most_waiting = most_pending())
      : most_waiting_(most_waiting) {}

  // kYes: it is to be sent. `linked`: it leaves at once.
  [[nodiscard]] Added add(const siginfo_t& info, GuestTid tid, bool linked) {
    if (linked) all_on_their_way();
    if (!linked) {
      if (info.si_signo < kFirstRealTime && waits(info.si_signo, tid)) return Added::kIsPending;
      if (waiting_ >= most_waiting_) return Added::kTooMany;
      ++waiting_;
    }
    unheard_.push_back({info, tid, linked});
    return Added::kYes;
  }
  // The guest has got the first `count` of all that were added.
  void heard(std::uint64_t count) {
    if (heard_ < count) all_on_their_way();
    for (; heard_ < count && !unheard_.empty(); ++heard_) unheard_.pop_front();
  }
  [[nodiscard]] const std::deque<Signal>& unheard() const { return unheard_; }

 private:
  static constexpr int kFirstRealTime = 32;            // the kernel's SIGRTMIN
  static constexpr std::uint64_t kMostEver = 100'000;  // whatever the limit: some 15 MB

  [[nodiscard]] static std::uint64_t most_pending() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_SIGPENDING, &limit) == 0
               ? std::min<std::uint64_t>(limit.rlim_cur, kMostEver)
               : kMostEver;
  }
  [[nodiscard]] bool waits(int number, GuestTid tid) const {
    return std::ranges::any_of(unheard_, [&](const Signal& signal) {
      return !signal.on_its_way && signal.info.si_signo == number && signal.tid == tid;
    });
  }
  void all_on_their_way() {
    if (waiting_ == 0) return;
    for (Signal& signal : unheard_) signal.on_its_way = true;
    waiting_ = 0;
  }

  std::uint64_t most_waiting_;
  std::uint64_t waiting_ = 0;
  std::uint64_t heard_ = 0;
  std::deque<Signal> unheard_;
};

}  // namespace llrun
