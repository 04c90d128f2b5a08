#include "tracer/ptrace/wait.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string>

#include "tracer/ptrace/ptrace.h"
#include "tracer/ptrace/task_states.h"

namespace llrun::tracer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostShifts = 10;
constexpr long kFirstSleep = 10'000;     // ns
constexpr long kLongestSleep = 500'000;  // ns

std::unexpected<Error> no_event_of(HostTid tid) {
  if (errno == ECHILD)
    return failure(ErrorCode::kGone, "thread " + std::to_string(tid.value) + " has gone");
  return system_error("wait for thread " + std::to_string(tid.value));
}

Result<std::optional<StopEvent>> take_event(HostTid tid) {
  int status = 0;
  const pid_t got = ::waitpid(tid.value, &status, __WALL | WNOHANG);
  if (got == 0) return std::nullopt;
  if (got == tid.value) return decode_stop(tid, status);
  return no_event_of(tid);
}

std::unexpected<Error> has_gone(HostTid tid) {
  return failure(ErrorCode::kGone, "thread " + std::to_string(tid.value) + " has ended");
}

// Look for an event until there is one. Whoever has ended and is not told of is not waited for.
template <typename Look>
Result<StopEvent> await(HostTid tid, std::chrono::milliseconds timeout, const Look& look) {
  const auto deadline = Clock::now() + timeout;
  for (Pauses pauses;; pauses.pause()) {
    const bool ended = pauses.sleeps() && has_ended(tid);
    LLRUN_TRY_ASSIGN(auto event, look(tid));
    if (event) return std::move(*event);
    if (ended) return has_gone(tid);
    if (Clock::now() >= deadline)
      return failure(ErrorCode::kTimeout, "thread " + std::to_string(tid.value) +
                                              " does not stop: it may be waiting "
                                              "in the kernel where nothing interrupts it");
  }
}

// Stops only (no WEXITED).
Result<std::optional<StopEvent>> take_stop(HostTid tid) {
  siginfo_t seen{};
  if (::waitid(P_PID, static_cast<id_t>(tid.value), &seen, WSTOPPED | __WALL | WNOHANG) != 0)
    return no_event_of(tid);
  if (seen.si_pid == 0) return std::nullopt;
  return decode_stop(tid, W_STOPCODE(seen.si_status));
}

}  // namespace

void Pauses::pause() {
  if (++count_ <= kYields) {
    ::sched_yield();
    return;
  }
  const long shift = std::min(count_ - kYields - 1, kMostShifts);
  const timespec nap{0, std::min(kFirstSleep << shift, kLongestSleep)};
  ::nanosleep(&nap, nullptr);
}

Result<std::optional<StopEvent>> poll_stop(HostTid tid, SignalStops signal_stops) {
  if (signal_stops == SignalStops::kTake) return take_event(tid);
  constexpr int kLook = WEXITED | WSTOPPED | __WALL | WNOHANG | WNOWAIT;
  siginfo_t seen{};
  if (::waitid(P_PID, static_cast<id_t>(tid.value), &seen, kLook) != 0) return no_event_of(tid);
  if (seen.si_pid == 0) return std::nullopt;
  if (seen.si_code == CLD_TRAPPED)
    if (auto event = decode_stop(tid, W_STOPCODE(seen.si_status)); event.is<SignalDelivery>())
      return event;
  return take_event(tid);
}

// A traced thread's stops are told whether they are asked for or not (kernel/exit.c,
// wait_task_stopped): taken here, they would be lost.
Result<std::optional<StopEvent>> poll_end(HostTid tid) {
  siginfo_t seen{};
  constexpr int kLook = WEXITED | __WALL | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(tid.value), &seen, kLook) != 0) return no_event_of(tid);
  const bool is_end =
      seen.si_pid != 0 &&
      (seen.si_code == CLD_EXITED || seen.si_code == CLD_KILLED || seen.si_code == CLD_DUMPED);
  if (!is_end) return std::nullopt;
  return take_event(tid);
}

Result<StopEvent> wait_for_stop(HostTid tid, std::chrono::milliseconds timeout,
                                SignalStops signal_stops) {
  return await(tid, timeout,
               [signal_stops](HostTid which) { return poll_stop(which, signal_stops); });
}

Result<StopEvent> next_stop(HostTid tid, std::chrono::milliseconds timeout) {
  return await(tid, timeout, take_stop);
}

Result<StopEvent> wait_for_end(HostTid tid, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (Pauses pauses; Clock::now() < deadline;) {
    LLRUN_TRY_ASSIGN(auto event, take_event(tid));
    if (!event) {
      pauses.pause();
      continue;
    }
    if (event->ended()) return std::move(*event);
    const auto resumed = resume(StoppedThread::seen_stopped(tid));
    if (!resumed && resumed.error().code != ErrorCode::kGone)
      return std::unexpected(resumed.error());
    pauses.start_anew();
  }
  return failure(ErrorCode::kTimeout, "thread " + std::to_string(tid.value) + " does not end");
}

}  // namespace llrun::tracer
