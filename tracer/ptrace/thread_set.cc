#include "tracer/ptrace/thread_set.h"

#include <sys/ptrace.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "tracer/ptrace/letting_go.h"
#include "tracer/ptrace/reaper.h"
#include "tracer/ptrace/task_states.h"

namespace llrun::tracer {
namespace {

// A program that makes threads without pause is caught after a few rounds, since those already
// stopped make none.
constexpr int kMaxRounds = 1000;
constexpr unsigned kAlways = PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD;
constexpr std::chrono::milliseconds kLettingGo{1000};
constexpr std::chrono::milliseconds kUninterruptible{1000};

// A thread's end is met as such.
Result<> unless_gone(Result<> result) {
  if (!result && result.error().code == ErrorCode::kGone) return {};
  return result;
}

// A thread at a seccomp stop has not made its call. Skip the call, and have it made again when the
// thread goes on: seccomp(2), "PTRACE_EVENT_SECCOMP".
Result<> put_call_back(const StoppedThread& thread) {
  LLRUN_TRY_ASSIGN(auto values, registers(thread));
  const auto number = values.orig_rax;
  values.orig_rax = static_cast<unsigned long long>(-1);
  LLRUN_TRY(set_registers(thread, values));
  LLRUN_TRY(resume_to_syscall(StoppedThread::seen_stopped(thread.tid())));
  LLRUN_TRY(next_stop(thread.tid()));
  values.rip -= 2;
  values.rax = number;
  return set_registers(thread, values);
}

}  // namespace

ThreadSet::ThreadSet(ThreadSet&& other) noexcept
    : pid_(other.pid_),
      members_(std::exchange(other.members_, {})),
      met_(std::exchange(other.met_, {})),
      ours_to_let_go_(std::exchange(other.ours_to_let_go_, false)) {}

ThreadSet& ThreadSet::operator=(ThreadSet&& other) noexcept {
  ThreadSet taken(std::move(other));
  std::swap(pid_, taken.pid_);
  members_.swap(taken.members_);
  met_.swap(taken.met_);
  std::swap(ours_to_let_go_, taken.ours_to_let_go_);
  return *this;
}

ThreadSet::~ThreadSet() {
  if (ours_to_let_go_) std::ignore = detach_all();
}

Result<ThreadSet> ThreadSet::seize_all(HostPid pid, unsigned options) {
  ThreadSet set(pid);
  set.ours_to_let_go_ = true;
  for (int round = 0; round < kMaxRounds; ++round) {
    LLRUN_TRY_ASSIGN(const bool found,
                     set.take_in_new_threads(options | kAlways | PTRACE_O_TRACEEXEC));
    if (!found && !set.tids().empty()) return set;
    if (set.tids().empty())
      return failure(ErrorCode::kGone, "process " + std::to_string(pid.value) + " has ended");
  }
  return failure(ErrorCode::kTimeout, "process " + std::to_string(pid.value) +
                                          " makes threads faster than one can attach to them");
}

ThreadSet ThreadSet::of_running(HostPid pid, const std::vector<HostTid>& tids) {
  ThreadSet set(pid);
  for (const auto tid : tids) set.members_[tid];
  return set;
}

ThreadSet ThreadSet::of_stopped(HostPid pid, std::vector<StoppedThread> threads) {
  ThreadSet set(pid);
  for (auto& thread : threads) set.add_stopped(std::move(thread));
  return set;
}

Result<bool> ThreadSet::take_in_new_threads(unsigned options) {
  const auto is_member = [this](HostTid tid) {
    const auto found = members_.find(tid);
    return found != members_.end() && !found->second.over;
  };
  bool found = false;
  std::optional<Reaper> reaper;
  for (const auto tid : threads_of(pid_)) {
    if (is_member(tid)) continue;
    if (!reaper && has_others_than_main()) reaper.emplace(pid_, tids());
    LLRUN_TRY(take_in(tid, options));
    if (!is_member(tid)) continue;
    found = true;
    if (reaper) reaper->watch(tid);
  }
  return found;
}

bool ThreadSet::has_others_than_main() const {
  return std::ranges::any_of(
      members_, [this](const auto& m) { return m.first.value != pid_.value && !m.second.over; });
}

Result<> ThreadSet::take_in(HostTid tid, unsigned options) {
  const auto seized = seize(tid, options);
  if (seized) {
    members_[tid] = {};
    return {};
  }
  if (seized.error().code == ErrorCode::kGone || has_ended(tid)) return {};
  // A thread made by an attached one comes attached, and cannot be seized again.
  if (seized.error().errno_value == EPERM && is_traced_by_us(tid)) {
    members_[tid] = {};
    members_[tid].first_stop_due = !was_straggler(tid);
    return {};
  }
  return seized;
}

Result<> ThreadSet::stop_all(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto those = running();
    for (const auto tid : those)
      if (!members_[tid].first_stop_due) std::ignore = interrupt(tid);
    LLRUN_TRY(await_stops(those, deadline));
    LLRUN_TRY_ASSIGN(const bool found, take_in_new_threads(kAlways));
    if (tids().empty())
      return failure(ErrorCode::kGone, "process " + std::to_string(pid_.value) + " has ended");
    if (!found && all_stopped()) return {};
  }
  return failure(ErrorCode::kTimeout,
                 "process " + std::to_string(pid_.value) + " cannot be stopped as a whole");
}

Result<> ThreadSet::stop(HostTid tid, std::chrono::milliseconds timeout) {
  const auto found = members_.find(tid);
  if (found == members_.end() || found->second.over)
    return failure(ErrorCode::kGone, "thread " + std::to_string(tid.value) + " is not there");
  if (found->second.token) return {};
  if (!found->second.first_stop_due) LLRUN_TRY(interrupt(tid));
  LLRUN_TRY(await_stops({tid}, std::chrono::steady_clock::now() + timeout));
  if (!members_[tid].over) return {};
  return failure(ErrorCode::kGone, "thread " + std::to_string(tid.value) + " has ended");
}

Result<> ThreadSet::go(HostTid tid) { return unless_gone(resume(take_stopped(tid))); }

Result<> ThreadSet::go_as_it_was(HostTid tid) {
  const auto signal = take_signal(tid);
  return unless_gone(resume(take_stopped(tid), signal ? signal->si_signo : 0));
}

// All at once: where several end, the main thread is told of only when the others have been waited
// for. And those that are stopped already, which an exec of one that is not waits for.
Result<> ThreadSet::await_stops(const std::vector<HostTid>& tids,
                                std::chrono::steady_clock::time_point deadline) {
  std::vector<HostTid> awaited = tids;
  const auto begun = std::chrono::steady_clock::now();
  for (Pauses pauses;; pauses.pause()) {
    if (pauses.sleeps()) reap();
    std::vector<HostTid> rest;
    for (const auto tid : awaited) {
      if (members_[tid].over) continue;  // has ended, or is another by an exec
      const bool ended = pauses.sleeps() && has_ended(tid);
      LLRUN_TRY_ASSIGN(const bool settled, look_at(tid));
      if (!settled && ended) note_over(tid);
      if (!settled && !ended) rest.push_back(tid);
    }
    if (rest.empty()) return {};
    if (rest.size() != awaited.size()) pauses.start_anew();
    awaited = std::move(rest);
    // What is stopped already waits for them; a thread that only has no processor is waited for.
    const auto now = std::chrono::steady_clock::now();
    const bool in_vain =
        now - begun >= kUninterruptible && std::ranges::all_of(awaited, cannot_be_interrupted);
    if (now >= deadline || in_vain)
      return failure(ErrorCode::kTimeout, "thread " + std::to_string(awaited.front().value) +
                                              " does not stop: it may be waiting in the kernel "
                                              "where nothing interrupts it");
  }
}

Result<bool> ThreadSet::look_at(HostTid tid) {
  const auto event = poll_stop(tid, SignalStops::kLeave);
  if (!event && event.error().code == ErrorCode::kGone) {
    note_over(tid);
    return true;
  }
  if (!event) return std::unexpected(event.error());
  if (!*event) return false;
  return meet(tid, **event);
}

// What is asked of it from here on is answered by its token: kGone.
void ThreadSet::note_over(HostTid tid) {
  auto& member = members_[tid];
  member.token = StoppedThread::seen_stopped(tid);
  member.signal.reset();
  member.group_stop = 0;
  member.over = true;
}

std::vector<HostTid> ThreadSet::running() const {
  std::vector<HostTid> tids;
  for (const auto& [tid, member] : members_)
    if (!member.token) tids.push_back(tid);
  return tids;
}

Result<bool> ThreadSet::meet(HostTid tid, const StopEvent& event) {
  if (event.ended()) {
    met_.push_back(event);
    note_over(tid);
    return true;
  }
  auto token = StoppedThread::seen_stopped(tid);
  auto& member = members_[tid];
  member.first_stop_due = false;
  member.group_stop = 0;
  const auto* group = event.as<GroupStop>();
  const auto* signal = event.as<SignalDelivery>();
  if (group != nullptr) member.group_stop = group->signal;
  if (signal != nullptr) member.signal = signal->info;
  if (event.is<EventStop>() || group != nullptr || signal != nullptr) {
    member.token = std::move(token);
    return true;
  }
  met_.push_back(event);
  if (event.is<SeccompEvent>()) LLRUN_TRY(unless_gone(put_call_back(token)));
  if (event.is<ExecEvent>())  // the other threads are gone, some without a word (ptrace(2))
    for (const auto& other : tids())
      if (other != tid) note_over(other);
  // At the other event stops the result of the call is still to be written. Any stop takes the
  // interrupt that is due with it (kernel/signal.c, ptrace_stop), so it is asked for again: it
  // stops the thread before its next instruction.
  LLRUN_TRY(unless_gone(interrupt(tid)));
  LLRUN_TRY(unless_gone(resume(std::move(token))));
  return false;
}

Result<> ThreadSet::note_event(const StopEvent& event) {
  LLRUN_TRY(meet(event.tid, event));
  return {};
}

Result<> ThreadSet::resume_all() {
  Result<> done;
  for (const auto tid : tids()) {
    auto& member = members_[tid];
    if (!member.token) continue;
    const int signal = member.signal ? member.signal->si_signo : 0;
    member.signal.reset();
    auto token = take_stopped(tid);
    const auto gone_on = unless_gone(member.group_stop != 0 ? listen(std::move(token))
                                                            : resume(std::move(token), signal));
    if (done) done = gone_on;
  }
  return done;
}

Result<> ThreadSet::detach_all() {
  LettingGo letting_go(pid_);
  for (auto& [tid, member] : std::exchange(members_, {})) {
    if (member.over)
      letting_go.look_again(tid);
    else if (member.token)
      letting_go.detach(std::move(*member.token), member.signal ? member.signal->si_signo : 0);
    else
      letting_go.stop_and_detach(tid);
  }
  return letting_go.finish(kLettingGo);
}

Result<> ThreadSet::bind_to_us() {
  ours_to_let_go_ = false;
  Result<> done;
  for (const auto tid : tids()) {
    const auto bound =
        unless_gone(set_options(stopped(tid), PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL));
    if (done) done = bound;
  }
  return done;
}

// The main thread last: it is told of when the others have been waited for.
void ThreadSet::reap() {
  auto those = tids();
  std::ranges::reverse(those);
  for (const auto tid : those) {
    const auto event = poll_end(tid);
    if (event && !*event) continue;
    if (event) met_.push_back(**event);
    note_over(tid);
  }
}

std::vector<HostTid> ThreadSet::tids() const {
  std::vector<HostTid> tids;
  for (const auto& [tid, member] : members_)
    if (!member.over) tids.push_back(tid);
  std::ranges::stable_partition(tids, [this](HostTid tid) { return tid.value == pid_.value; });
  return tids;
}

bool ThreadSet::all_stopped() const {
  return std::ranges::all_of(members_, [](const auto& m) { return m.second.token.has_value(); });
}

const StoppedThread& ThreadSet::stopped(HostTid tid) const {
  const auto found = members_.find(tid);
  LLRUN_CHECK(found != members_.end() && found->second.token, std::to_string(tid.value));
  return *found->second.token;
}

bool ThreadSet::gets_signal(HostTid tid) const {
  const auto found = members_.find(tid);
  return found != members_.end() && found->second.signal;
}

std::optional<siginfo_t> ThreadSet::take_signal(HostTid tid) {
  const auto found = members_.find(tid);
  if (found == members_.end()) return std::nullopt;
  return std::exchange(found->second.signal, std::nullopt);
}

int ThreadSet::group_stop_signal() const {
  for (const auto& [tid, member] : members_)
    if (member.group_stop != 0) return member.group_stop;
  return 0;
}

std::vector<StopEvent> ThreadSet::take_met() { return std::exchange(met_, {}); }

void ThreadSet::add_stopped(StoppedThread thread, std::optional<siginfo_t> signal) {
  auto& member = members_[thread.tid()];
  member = {};
  member.token = std::move(thread);
  member.signal = signal;
}

void ThreadSet::forget(HostTid tid) { members_.erase(tid); }

StoppedThread ThreadSet::take_stopped(HostTid tid) {
  auto& member = members_[tid];
  LLRUN_CHECK(member.token, std::to_string(tid.value));
  auto token = std::move(*member.token);
  member.token.reset();
  return token;
}

}  // namespace llrun::tracer
