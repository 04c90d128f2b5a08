// SentSignals: the signals that home has sent and the guest has not taken yet, as they were sent.
//
// The kernel refuses to queue a siginfo that claims to come from a user or from itself
// (kernel/signal.c, rt_sigqueueinfo). So a signal is queued with a mark of ours, and gets its true
// siginfo when it is about to be delivered, or is carried elsewhere.
#pragma once

#include <csignal>
#include <cstdint>
#include <map>
#include <optional>

namespace llrun {

class SentSignals {
 public:
  // What is to be queued in its place.
  [[nodiscard]] siginfo_t add(const siginfo_t& info);
  // Of a signal that is met, as it was sent. `take`: it waits no longer.
  [[nodiscard]] siginfo_t truth(const siginfo_t& met) const;
  [[nodiscard]] siginfo_t take(const siginfo_t& met);
  // One with that number which the kernel has joined with an equal one that was queued already.
  [[nodiscard]] std::optional<siginfo_t> take_any(int signal);

 private:
  [[nodiscard]] std::optional<std::uint64_t> id_of(const siginfo_t& met) const;

  std::map<std::uint64_t, siginfo_t> sent_;  // by the id in the mark
  std::uint64_t next_ = 1;
};

}  // namespace llrun
