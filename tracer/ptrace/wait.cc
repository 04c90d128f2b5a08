#include "tracer/ptrace/wait.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string>

#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {
namespace {

using Clock = std::chrono::steady_clock;

// Most stops come within some microseconds of being asked for. So yield first, then sleep, longer
// and longer: waitpid has no timeout, and SIGCHLD belongs to the event loop.
constexpr int kYields = 64;
constexpr long kFirstSleep = 10'000;     // ns
constexpr long kLongestSleep = 500'000;  // ns

void pause_before_retry(int attempt) {
  if (attempt < kYields) {
    ::sched_yield();
    return;
  }
  const long shift = std::min(attempt - kYields, 10);
  const timespec nap{0, std::min(kFirstSleep << shift, kLongestSleep)};
  ::nanosleep(&nap, nullptr);
}

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

}  // namespace

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

Result<StopEvent> wait_for_stop(HostTid tid, std::chrono::milliseconds timeout,
                                SignalStops signal_stops) {
  const auto deadline = Clock::now() + timeout;
  for (int attempt = 0;; ++attempt) {
    LLRUN_TRY_ASSIGN(auto event, poll_stop(tid, signal_stops));
    if (event) return std::move(*event);
    if (Clock::now() >= deadline)
      return failure(ErrorCode::kTimeout, "thread " + std::to_string(tid.value) +
                                              " does not stop: it may be waiting "
                                              "in the kernel where nothing interrupts it");
    pause_before_retry(attempt);
  }
}

Result<StopEvent> wait_for_end(HostTid tid, std::chrono::milliseconds timeout) {
  constexpr int kMaxStops = 10'000;
  for (int i = 0; i < kMaxStops; ++i) {
    LLRUN_TRY_ASSIGN(auto event, wait_for_stop(tid, timeout));
    if (event.ended()) return event;
    const auto resumed = resume(StoppedThread::seen_stopped(tid));
    if (!resumed && resumed.error().code != ErrorCode::kGone)
      return std::unexpected(resumed.error());
  }
  return failure(ErrorCode::kTimeout, "thread " + std::to_string(tid.value) + " does not end");
}

}  // namespace llrun::tracer
