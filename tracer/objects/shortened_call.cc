#include "tracer/objects/shortened_call.h"

#include <sys/select.h>
#include <time.h>

#include <chrono>
#include <limits>
#include <thread>

#include "tracer/procfs/stat.h"
#include "tracer/procfs/switches.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kMicrosecond = 1'000;
constexpr std::uint64_t kForEver = std::numeric_limits<std::uint64_t>::max() / 4;

std::uint64_t unit_of(TimeoutForm form) { return form == TimeoutForm::kTimeval ? kMicrosecond : 1; }

}  // namespace

std::uint64_t in_milliseconds(std::uint64_t nanoseconds) {
  return (nanoseconds + kMillisecond - 1) / kMillisecond;
}

std::optional<std::uint64_t> requested_time(HostPid pid, const TimeoutArgument& argument,
                                            const Registers& registers) {
  const std::uint64_t value = registers.*argument.where;
  if (argument.form == TimeoutForm::kMilliseconds)
    return std::uint64_t{static_cast<std::uint32_t>(value)} * kMillisecond;
  static_assert(sizeof(timespec) == 16 && sizeof(timeval) == 16);
  const auto time = read_value<timespec>(pid, RemoteAddr{value});
  if (!time || time->tv_sec < 0 || time->tv_nsec < 0) return std::nullopt;
  const auto seconds = static_cast<std::uint64_t>(time->tv_sec);
  if (seconds >= kForEver / kSecond) return kForEver;
  return seconds * kSecond + static_cast<std::uint64_t>(time->tv_nsec) * unit_of(argument.form);
}

Result<LentTime> LentTime::lend(HostPid pid, const TimeoutArgument& argument,
                                const Registers& registers, std::uint64_t left) {
  const RemoteAddr at{registers.*argument.where};
  LLRUN_TRY_ASSIGN(const auto own, read_value<Words>(pid, at));
  const std::uint64_t unit = unit_of(argument.form);
  const Words lent{static_cast<std::int64_t>(left / kSecond),
                   static_cast<std::int64_t>((left % kSecond + unit - 1) / unit)};
  constexpr std::int64_t kMicroseconds = 1'000'000;
  const bool carries = argument.form == TimeoutForm::kTimeval && lent.rest == kMicroseconds;
  const LentTime time(pid, at, own, carries ? Words{lent.seconds + 1, 0} : lent);
  LLRUN_TRY(write_value(pid, at, time.lent_));
  return time;
}

Result<> LentTime::take_back() const {
  LLRUN_TRY_ASSIGN(const auto now, read_value<Words>(pid_, at_));
  if (now != lent_) return {};
  return write_value(pid_, at_, own_);
}

// A thread that waits for a processor is waited for; one that has been on it for longer than any
// way into a call takes has come back from it.
Found wait_until_asleep(HostPid pid, HostTid tid, std::uint64_t number) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds kPause{20};
  constexpr std::chrono::milliseconds kWayIn{5};
  constexpr std::chrono::seconds kMost{2};
  const auto deadline = Clock::now() + kMost;
  const auto before = time_on_processor(pid, tid);
  while (Clock::now() < deadline) {
    const auto stat = read_stat(pid, tid);
    if (!stat || stat->state == 'Z' || stat->state == 'X') return Found::kElsewhere;
    const auto in_call = sleeps_in_call(pid, tid);
    if (in_call && *in_call != number) return Found::kElsewhere;
    if (in_call && stat->state == 't') return Found::kStopped;
    if (in_call && stat->state == 'S') return Found::kAsleep;
    const auto now = time_on_processor(pid, tid);
    if (!before || !now || *now - *before > kWayIn) return Found::kElsewhere;
    std::this_thread::sleep_for(kPause);
  }
  return Found::kElsewhere;
}

}  // namespace llrun::tracer
