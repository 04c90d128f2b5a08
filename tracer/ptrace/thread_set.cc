#include "tracer/ptrace/thread_set.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>

#include "base/fd.h"

namespace llrun::tracer {
namespace {

// A program that makes threads without pause is caught after a few rounds, since those already
// stopped make none.
constexpr int kMaxRounds = 1000;
constexpr unsigned kAlways = PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD;
constexpr int kMaxEventsBeforeStop = 1000;

std::vector<HostTid> list_threads(HostPid pid) {
  std::vector<HostTid> tids;
  std::error_code error;
  const auto path = "/proc/" + std::to_string(pid.value) + "/task";
  for (auto entry = std::filesystem::directory_iterator(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    tids.push_back(HostTid{std::atoi(entry->path().filename().c_str())});
  return tids;
}

std::string status_line(HostTid tid, const std::string& key) {
  const auto text = read_whole_file("/proc/" + std::to_string(tid.value) + "/status");
  if (!text) return {};
  const auto start = text->find("\n" + key + ":\t");
  if (start == std::string::npos) return {};
  const auto value = start + key.size() + 3;
  return text->substr(value, text->find('\n', value) - value);
}

bool has_ended(HostTid tid) {
  const auto state = status_line(tid, "State");
  return state.empty() || state[0] == 'Z' || state[0] == 'X';
}

// TracerPid names the tracing thread, not its process.
bool is_traced_by_us(HostTid tid) {
  return std::atoi(status_line(tid, "TracerPid").c_str()) == ::gettid();
}

// A thread at a seccomp stop has not made its call. Skip the call, and have it made again when the
// thread goes on: seccomp(2), "PTRACE_EVENT_SECCOMP".
Result<> put_call_back(const StoppedThread& thread) {
  LLRUN_TRY_ASSIGN(auto values, registers(thread));
  const auto number = values.orig_rax;
  values.orig_rax = static_cast<unsigned long long>(-1);
  LLRUN_TRY(set_registers(thread, values));
  LLRUN_TRY(resume_to_syscall(StoppedThread::seen_stopped(thread.tid())));
  LLRUN_TRY_ASSIGN(const auto event, wait_for_stop(thread.tid()));
  if (event.ended()) return failure(ErrorCode::kGone, describe(event));
  values.rip -= 2;
  values.rax = number;
  return set_registers(thread, values);
}

}  // namespace

Result<ThreadSet> ThreadSet::seize_all(HostPid pid, unsigned options) {
  ThreadSet set(pid);
  for (int round = 0; round < kMaxRounds; ++round) {
    LLRUN_TRY_ASSIGN(const bool found, set.take_in_new_threads(options | kAlways));
    if (!found && !set.members_.empty()) return set;
    if (set.members_.empty())
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
  bool found = false;
  for (const auto tid : list_threads(pid_)) {
    if (members_.contains(tid)) continue;
    LLRUN_TRY(take_in(tid, options));
    found = found || members_.contains(tid);
  }
  return found;
}

Result<> ThreadSet::take_in(HostTid tid, unsigned options) {
  const auto seized = seize(tid, options);
  if (seized) {
    members_[tid];
    return {};
  }
  if (seized.error().code == ErrorCode::kGone || has_ended(tid)) return {};
  // A thread made by an attached one comes attached, and cannot be seized again.
  if (seized.error().errno_value == EPERM && is_traced_by_us(tid)) {
    members_[tid].first_stop_due = true;
    return {};
  }
  return seized;
}

Result<> ThreadSet::stop_all(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const auto left = [&] {
    return std::max(
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()),
        std::chrono::milliseconds(1));
  };
  for (int round = 0; round < kMaxRounds; ++round) {
    std::vector<HostTid> running;
    for (const auto& [tid, member] : members_)
      if (!member.token) running.push_back(tid);
    for (const auto tid : running)
      if (!members_[tid].first_stop_due) std::ignore = interrupt(tid);
    for (const auto tid : running)
      if (members_.contains(tid)) LLRUN_TRY(stop_one(tid, left()));
    if (members_.empty())
      return failure(ErrorCode::kGone, "process " + std::to_string(pid_.value) + " has ended");
    LLRUN_TRY_ASSIGN(const bool found, take_in_new_threads(kAlways));
    if (!found && all_stopped()) return {};
  }
  return failure(ErrorCode::kTimeout,
                 "process " + std::to_string(pid_.value) + " cannot be stopped as a whole");
}

Result<> ThreadSet::stop(HostTid tid, std::chrono::milliseconds timeout) {
  const auto found = members_.find(tid);
  if (found == members_.end())
    return failure(ErrorCode::kGone, "thread " + std::to_string(tid.value) + " is not known");
  if (found->second.token) return {};
  if (!found->second.first_stop_due) LLRUN_TRY(interrupt(tid));
  LLRUN_TRY(stop_one(tid, timeout));
  if (members_.contains(tid)) return {};
  return failure(ErrorCode::kGone, "thread " + std::to_string(tid.value) + " has ended");
}

Result<> ThreadSet::go(HostTid tid) { return resume(take_stopped(tid)); }

Result<> ThreadSet::go_as_it_was(HostTid tid) {
  const auto signal = take_signal(tid);
  return resume(take_stopped(tid), signal ? signal->si_signo : 0);
}

Result<> ThreadSet::stop_one(HostTid tid, std::chrono::milliseconds timeout) {
  for (int count = 0; count < kMaxEventsBeforeStop; ++count) {
    const auto event = wait_for_stop(tid, timeout, SignalStops::kLeave);
    if (!event && event.error().code == ErrorCode::kGone) {
      members_.erase(tid);
      return {};
    }
    if (!event) return std::unexpected(event.error());
    LLRUN_TRY_ASSIGN(const bool settled, meet(tid, *event));
    if (settled) return {};
  }
  return failure(ErrorCode::kTimeout, "thread " + std::to_string(tid.value) + " does not settle");
}

Result<bool> ThreadSet::meet(HostTid tid, const StopEvent& event) {
  if (event.ended()) {
    met_.push_back(event);
    members_.erase(tid);
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
  if (event.is<SeccompEvent>()) LLRUN_TRY(put_call_back(token));
  if (event.is<ExecEvent>())  // the other threads are gone without a word (ptrace(2))
    std::erase_if(members_, [tid](const auto& other) { return other.first != tid; });
  // At the other event stops the result of the call is still to be written. Any stop takes the
  // interrupt that is due with it (kernel/signal.c, ptrace_stop), so it is asked for again: it
  // stops the thread before its next instruction.
  if (const auto again = interrupt(tid); !again && again.error().code != ErrorCode::kGone)
    return std::unexpected(again.error());
  const auto resumed = resume(std::move(token));
  if (!resumed && resumed.error().code != ErrorCode::kGone) return std::unexpected(resumed.error());
  return false;
}

Result<> ThreadSet::note_event(const StopEvent& event) {
  LLRUN_TRY(meet(event.tid, event));
  return {};
}

// Each with the signal that was about to be delivered to it.
Result<> ThreadSet::let_go(
    const std::function<Result<>(StoppedThread, int signal, int group_stop)>& way) {
  for (auto& [tid, member] : members_) {
    if (!member.token) continue;
    const int signal = member.signal ? member.signal->si_signo : 0;
    member.signal.reset();
    auto token = std::move(*member.token);
    member.token.reset();
    LLRUN_TRY(way(std::move(token), signal, member.group_stop));
  }
  return {};
}

Result<> ThreadSet::resume_all() {
  return let_go([](StoppedThread token, int signal, int group_stop) {
    return group_stop != 0 ? listen(std::move(token)) : resume(std::move(token), signal);
  });
}

Result<> ThreadSet::detach_all() {
  return let_go(
      [](StoppedThread token, int signal, int) { return detach(std::move(token), signal); });
}

std::vector<HostTid> ThreadSet::tids() const {
  std::vector<HostTid> tids;
  for (const auto& [tid, member] : members_) tids.push_back(tid);
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
  return std::exchange(members_[tid].signal, std::nullopt);
}

int ThreadSet::group_stop_signal() const {
  for (const auto& [tid, member] : members_)
    if (member.group_stop != 0) return member.group_stop;
  return 0;
}

std::vector<StopEvent> ThreadSet::take_met() { return std::exchange(met_, {}); }

void ThreadSet::add_running(HostTid tid) { members_[tid].token.reset(); }

void ThreadSet::add_stopped(StoppedThread thread) {
  const auto tid = thread.tid();
  members_[tid].token = std::move(thread);
}

void ThreadSet::forget(HostTid tid) { members_.erase(tid); }

StoppedThread ThreadSet::take_stopped(HostTid tid) {
  auto& member = members_[tid];
  LLRUN_CHECK(member.token, std::to_string(tid.value));
  auto token = std::move(*member.token);
  member.token.reset();
  return token;
}

void ThreadSet::note_stopped(StoppedThread thread) { add_stopped(std::move(thread)); }

}  // namespace llrun::tracer
