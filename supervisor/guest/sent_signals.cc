#include "supervisor/guest/sent_signals.h"

#include <algorithm>

namespace llrun {
namespace {

// The upper half of a marked signal's value; the lower is its id.
constexpr std::uint64_t kMark = 0x6C6C'7275'0000'0000;
constexpr std::uint64_t kMarkMask = 0xFFFF'FFFF'0000'0000;

}  // namespace

siginfo_t SentSignals::add(const siginfo_t& info) {
  const std::uint64_t id = next_++ & ~kMarkMask;
  sent_[id] = info;
  siginfo_t marked{};
  marked.si_signo = info.si_signo;
  marked.si_code = SI_QUEUE;
  marked.si_value.sival_ptr = reinterpret_cast<void*>(kMark | id);
  return marked;
}

std::optional<std::uint64_t> SentSignals::id_of(const siginfo_t& met) const {
  const auto value = reinterpret_cast<std::uint64_t>(met.si_value.sival_ptr);
  if (met.si_code != SI_QUEUE || (value & kMarkMask) != kMark) return std::nullopt;
  const std::uint64_t id = value & ~kMarkMask;
  return sent_.contains(id) ? std::optional(id) : std::nullopt;
}

siginfo_t SentSignals::truth(const siginfo_t& met) const {
  const auto id = id_of(met);
  return id ? sent_.at(*id) : met;
}

siginfo_t SentSignals::take(const siginfo_t& met) {
  const siginfo_t info = truth(met);
  if (const auto id = id_of(met)) sent_.erase(*id);
  return info;
}

std::optional<siginfo_t> SentSignals::take_any(int signal) {
  const auto found = std::ranges::find_if(
      sent_, [signal](const auto& entry) { return entry.second.si_signo == signal; });
  if (found == sent_.end()) return std::nullopt;
  const siginfo_t info = found->second;
  sent_.erase(found);
  return info;
}

}  // namespace llrun
