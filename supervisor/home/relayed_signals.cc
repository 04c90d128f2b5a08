#include "supervisor/home/relayed_signals.h"

#include <sys/resource.h>

#include <algorithm>

namespace llrun {
namespace {

constexpr int kFirstRealTime = 32;            // the kernel's SIGRTMIN
constexpr std::uint64_t kMostEver = 100'000;  // whatever the limit: some 15 MB

std::uint64_t most_pending() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_SIGPENDING, &limit) == 0
             ? std::min<std::uint64_t>(limit.rlim_cur, kMostEver)
             : kMostEver;
}

}  // namespace

RelayedSignals::RelayedSignals() : RelayedSignals(most_pending()) {}

RelayedSignals::Added RelayedSignals::add(const siginfo_t& info, GuestTid tid, bool linked) {
  const bool leaves = linked && unheard_.size() - waiting_ < kMostOnTheirWay;
  if (leaves) {
    all_on_their_way();
  } else {
    if (info.si_signo < kFirstRealTime && waits(info.si_signo, tid)) return Added::kIsPending;
    if (waiting_ >= most_waiting_) return Added::kTooMany;
    ++waiting_;
  }
  unheard_.push_back({info, tid, leaves});
  return Added::kYes;
}

void RelayedSignals::heard(std::uint64_t count) {
  if (heard_ < count) all_on_their_way();
  for (; heard_ < count && !unheard_.empty(); ++heard_) unheard_.pop_front();
}

bool RelayedSignals::waits(int number, GuestTid tid) const {
  if (waiting_ == 0) return false;
  return std::ranges::any_of(unheard_, [&](const Signal& signal) {
    return !signal.on_its_way && signal.info.si_signo == number && signal.tid == tid;
  });
}

void RelayedSignals::all_on_their_way() {
  if (waiting_ == 0) return;
  for (Signal& signal : unheard_) signal.on_its_way = true;
  waiting_ = 0;
}

}  // namespace llrun
