#include "tracer/ptrace/letting_go.h"

#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "tracer/ptrace/interruption.h"
#include "tracer/ptrace/stop_event.h"
#include "tracer/ptrace/task_states.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

using Clock = std::chrono::steady_clock;

// Attached by this OS thread, which alone may let them go.
thread_local std::set<HostTid> stragglers;

// A call that does not bear a stop is made again, unless a handler runs.
Result<> detach_unnoticed(StoppedThread thread, int signal) {
  std::ignore = undo_interruption(thread);
  return tracer::detach(std::move(thread), signal);
}

// True when we are no longer attached to it: it has ended and been waited for, or has stopped and
// been detached.
bool settle(HostTid tid) {
  constexpr int kMostStops = 100;
  for (int stops = 0; stops < kMostStops; ++stops) {
    const auto event = poll_stop(tid, SignalStops::kLeave);
    if (!event) return true;  // nothing of ours has this id
    if (!*event) return false;
    if ((*event)->ended()) return true;
    const auto* signal = (*event)->as<SignalDelivery>();
    if (detach_unnoticed(StoppedThread::seen_stopped(tid),
                         signal != nullptr ? signal->info.si_signo : 0))
      return true;
  }
  return false;
}

}  // namespace

void LettingGo::detach(StoppedThread thread, int signal) {
  const auto tid = thread.tid();
  const auto detached = detach_unnoticed(std::move(thread), signal);
  if (detached) return;
  // Killed while it was stopped, or not stopped after all.
  if (detached.error().code != ErrorCode::kGone && done_) done_ = std::unexpected(detached.error());
  stop_and_detach(tid);
}

void LettingGo::stop_and_detach(HostTid tid) {
  std::ignore = interrupt(tid);
  look_again(tid);
}

void LettingGo::look_again(HostTid tid) {
  irregular_ = true;
  attached_.insert(tid);
}

// Whoever is about to end is waited for; a main thread that has ended before others is told of by
// SIGCHLD when it can be.
bool LettingGo::settle_all() {
  const auto before = attached_.size();
  std::erase_if(attached_, [](HostTid tid) {
    if (settle(tid)) return true;
    if (!has_ended(tid)) return false;
    stragglers.insert(tid);
    return true;
  });
  return attached_.size() != before;
}

// Made by a thread that ran while it was attached, or the one that has taken the id of the main
// thread by an exec.
void LettingGo::look_for_unknown() {
  for (const auto tid : threads_of(pid_)) {
    if (attached_.contains(tid) || !is_traced_by_us(tid)) continue;
    if (stragglers.contains(tid) && has_ended(tid)) continue;
    stragglers.erase(tid);
    stop_and_detach(tid);
  }
}

Result<> LettingGo::finish(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  for (Pauses pauses; irregular_; pauses.pause()) {
    if (settle_all()) pauses.start_anew();
    if (attached_.empty()) look_for_unknown();
    if (attached_.empty()) break;
    if (Clock::now() < deadline) continue;
    if (done_)
      done_ = failure(ErrorCode::kTimeout,
                      "thread " + std::to_string(attached_.begin()->value) +
                          " is let go when it stops: it may be waiting in the kernel where nothing "
                          "interrupts it");
    stragglers.merge(attached_);
    break;
  }
  let_go_stragglers();
  return done_;
}

// Interrupted again: by an exec it may have become another that has the same id.
std::size_t let_go_stragglers() {
  std::erase_if(stragglers, [](HostTid tid) {
    if (settle(tid)) return true;
    if (!has_ended(tid)) std::ignore = interrupt(tid);
    return false;
  });
  return stragglers.size();
}

bool was_straggler(HostTid tid) { return stragglers.erase(tid) != 0; }

}  // namespace llrun::tracer
