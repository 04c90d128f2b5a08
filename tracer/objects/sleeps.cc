#include "tracer/objects/sleeps.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tracer/procfs/sched.h"
#include "tracer/procfs/switches.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kSyscallSize = 2;
// Of SleepClock, twice: nothing may end early.
constexpr std::chrono::nanoseconds kResolution{600'000};

std::uint64_t nanoseconds_now() { return static_cast<std::uint64_t>(monotonic_now().count()); }

std::uint64_t number_of(const Sleep& sleep) { return sleep.call.orig_rax; }

bool same_arguments(const Registers& a, const Registers& b) {
  return a.rsp == b.rsp && a.rdi == b.rdi && a.rsi == b.rsi && a.rdx == b.rdx && a.r10 == b.r10 &&
         a.r8 == b.r8 && a.r9 == b.r9;
}

bool is_number(std::uint64_t value, const Sleep& sleep) {
  return value == number_of(sleep) || value == kRestartSyscall;
}

// Behind the instruction, interrupted, or at a filter's stop with the call still to be made.
bool is_in(const Sleep& sleep, const Registers& now) {
  if (now.rip != sleep.call.rip || !is_number(now.orig_rax, sleep)) return false;
  return is_restart_code(now.rax) || static_cast<std::int64_t>(now.rax) == -ENOSYS;
}

// Before the instruction.
bool is_about_to(const Sleep& sleep, const Registers& now) {
  return now.rip == sleep.call.rip - kSyscallSize && is_number(now.rax, sleep);
}

bool restarts(const Registers& now) { return in_system_call(now) && is_restart_code(now.rax); }

// After one restart the kernel shows restart_syscall's own.
std::optional<std::uint64_t> number_in_code(HostPid pid, const Registers& registers) {
  std::array<std::byte, 7> code{};
  if (!read_memory(pid, RemoteAddr{registers.rip - code.size()}, code)) return std::nullopt;
  return number_before_syscall(code);
}

// Written by the kernel when it interrupted the sleep (kernel/time/hrtimer.c, nanosleep_copyout).
std::optional<std::uint64_t> told_remainder(HostPid pid, const Registers& call) {
  Registers there{};
  there.rdi = remainder_argument(call.orig_rax, call);
  if (there.rdi == 0) return std::nullopt;
  return requested_time(pid, {TimeoutForm::kTimespec, &Registers::rdi}, there);
}

}  // namespace

void Sleeps::observe(HostPid pid, const std::vector<HostTid>& tids) {
  SleepClock clock;
  for (const HostTid tid : tids) {
    seen_.erase(tid);
    const auto switches = voluntary_switches(pid, tid);
    const auto since = clock.last_ran(pid, tid);
    if (!switches || !since) continue;
    seen_[tid] = {static_cast<std::uint64_t>((*since + kResolution).count()), nanoseconds_now(),
                  *switches};
  }
}

// When the call that it is found in began, or later. The stop itself is one sleep more than were
// seen; with any other the call may be a later one.
std::uint64_t Sleeps::began(HostPid pid, HostTid tid) {
  const auto now = nanoseconds_now();
  const auto seen = seen_.find(tid);
  if (seen == seen_.end()) return now;
  const auto switches = voluntary_switches(pid, tid);
  const bool same = switches && *switches <= seen->second.switches + 1;
  return std::min(now, same ? seen->second.since : seen->second.at);
}

// One that has not gone on is in its call still. A restart block is shown by the hidden number: a
// later call of its kind would show its own. Of a call that was made anew only the count of the
// thread's sleeps tells: this very one, and the stop.
bool Sleeps::is_same_call(HostPid pid, HostTid tid, const Known& known,
                          const Registers& now) const {
  const Sleep& sleep = known.sleep;
  if (!same_arguments(now, sleep.call) || !(is_in(sleep, now) || is_about_to(sleep, now)))
    return false;
  if (!known.left) return true;
  const auto switches = voluntary_switches(pid, tid);
  if (!switches) return false;
  const bool hidden = now.orig_rax == kRestartSyscall || now.rax == kRestartSyscall;
  return *switches <= known.switches + (hidden ? 2 : 1);
}

Result<> Sleeps::look(HostPid pid, const StoppedThread& thread) {
  const HostTid tid = thread.tid();
  take_back(tid);
  LLRUN_TRY_ASSIGN(const auto found, registers(thread));
  const auto now = without_interruption(found);
  if (now.rax != found.rax) LLRUN_TRY(set_registers(thread, now));
  if (const auto known = known_.find(tid);
      known != known_.end() && is_same_call(pid, tid, known->second, now)) {
    if (known->second.left && sleeps_with_restart_block(now))
      if (const auto left = told_remainder(pid, known->second.sleep.call))
        known->second.sleep.until = nanoseconds_now() + *left;
    known->second.switches = voluntary_switches(pid, tid).value_or(0);
    known->second.left = false;
  } else if (const auto sleep = sleep_of(pid, tid, found)) {
    know(pid, tid, *sleep);
  } else {
    known_.erase(tid);
  }
  seen_.erase(tid);
  return {};
}

// Of the calls that tell what is left, the memory says it already, unless it could not be written:
// then they have ended with EINTR.
std::optional<Sleep> Sleeps::sleep_of(HostPid pid, HostTid tid, const Registers& found) {
  const auto now = without_interruption(found);
  if (!restarts(now)) return std::nullopt;
  Sleep sleep{now, std::nullopt};
  const auto number = number_in(pid, tid, now);
  if (!number) return std::nullopt;
  sleep.call.orig_rax = *number;
  const bool has_block = sleeps_with_restart_block(now);
  const auto without_limit = has_block ? std::optional(sleep) : std::nullopt;
  if (tells_time_left(*number) && found.rax == now.rax) return std::nullopt;
  const auto argument = timeout_argument(*number, now);
  if (argument.form == TimeoutForm::kNone) return without_limit;
  if (const auto left = has_block ? told_remainder(pid, sleep.call) : std::nullopt) {
    sleep.until = nanoseconds_now() + *left;
    return sleep;
  }
  const auto requested = requested_time(pid, argument, now);
  if (!requested) return without_limit;
  sleep.until = began(pid, tid) + *requested;
  return sleep;
}

// A hidden number is that of the call that was seen there before, or what the code says.
std::optional<std::uint64_t> Sleeps::number_in(HostPid pid, HostTid tid,
                                               const Registers& now) const {
  if (now.orig_rax != kRestartSyscall) return now.orig_rax;
  const auto known = known_.find(tid);
  if (known != known_.end() && known->second.sleep.call.rip == now.rip &&
      same_arguments(now, known->second.sleep.call))
    return number_of(known->second.sleep);
  return number_in_code(pid, now);
}

void Sleeps::runs_from_now(HostPid pid, HostTid tid) {
  const auto now = nanoseconds_now();
  seen_[tid] = {now, now, voluntary_switches(pid, tid).value_or(0)};
  if (const auto known = known_.find(tid); known != known_.end()) known->second.left = true;
}

void Sleeps::know(HostPid pid, HostTid tid, const Sleep& sleep) {
  known_[tid] = {sleep, voluntary_switches(pid, tid).value_or(0), false};
}

void Sleeps::forget(HostTid tid) {
  known_.erase(tid);
  seen_.erase(tid);
  take_back(tid);
}

void Sleeps::take_back(HostTid tid) {
  if (const auto lent = lent_.extract(tid)) std::ignore = lent.mapped().take_back();
}

const Sleep* Sleeps::find(HostTid tid) const {
  const auto known = known_.find(tid);
  return known == known_.end() ? nullptr : &known->second.sleep;
}

std::optional<std::uint64_t> Sleeps::left(HostTid tid) const {
  const Sleep* sleep = find(tid);
  if (sleep == nullptr || !sleep->until) return std::nullopt;
  const auto now = nanoseconds_now();
  return *sleep->until > now ? *sleep->until - now : 0;
}

// The kernel goes on with a restart block by itself.
bool Sleeps::must_be_made_anew(HostTid tid, const Registers& now) const {
  const Sleep* sleep = find(tid);
  if (sleep == nullptr || !sleep->until || sleeps_with_restart_block(now)) return false;
  if (now.rax == kRestartSyscall || !same_arguments(now, sleep->call)) return false;
  return is_in(*sleep, now) || is_about_to(*sleep, now);
}

bool Sleeps::kernel_goes_on(HostTid tid, const Registers& now) const {
  const Sleep* sleep = find(tid);
  if (sleep == nullptr || !same_arguments(now, sleep->call)) return false;
  return sleeps_with_restart_block(now) || (is_about_to(*sleep, now) && now.rax == kRestartSyscall);
}

Result<> Sleeps::go_on(HostPid pid, StoppedThread thread, const Go& go) {
  const HostTid tid = thread.tid();
  const auto known = known_.find(tid);
  if (known == known_.end()) return go(std::move(thread));
  const auto now = registers(thread);
  const bool stays = now && !known->second.left;
  if (stays && must_be_made_anew(tid, *now)) return make_anew(pid, std::move(thread), *now, go);
  note_gone(pid, tid, stays && kernel_goes_on(tid, *now));
  return go(std::move(thread));
}

// With a restart block it is still in its call.
void Sleeps::note_gone(HostPid pid, HostTid tid, bool in_its_call) {
  if (!in_its_call) return void(known_.erase(tid));
  Known& known = known_[tid];
  known.switches = voluntary_switches(pid, tid).value_or(0);
  known.left = true;
}

// Whatever goes wrong here, the thread goes on: then it waits for its whole time.
Result<> Sleeps::make_anew(HostPid pid, StoppedThread thread, Registers now, const Go& go) {
  const HostTid tid = thread.tid();
  Known& known = known_[tid];
  const std::uint64_t number = number_of(known.sleep);
  const std::uint64_t left = this->left(tid).value_or(0);
  const auto argument = timeout_argument(number, now);
  std::optional<LentTime> lent;
  if (argument.form == TimeoutForm::kMilliseconds) {
    now.*argument.where = in_milliseconds(left);
    if (set_registers(thread, now)) known.sleep.call.*argument.where = now.*argument.where;
  } else if (argument.form != TimeoutForm::kNone) {
    if (auto lending = LentTime::lend(pid, argument, now, left)) lent = *lending;
  }
  const auto gone = go(std::move(thread));
  const auto found = gone ? wait_until_asleep(pid, tid, number) : Found::kElsewhere;
  note_found(pid, tid, found);
  if (!lent) return gone;
  if (found == Found::kAsleep && handed_ && handed_(number))
    lent_.insert_or_assign(tid, *lent);
  else
    std::ignore = lent->take_back();
  return gone;
}

void Sleeps::note_found(HostPid pid, HostTid tid, Found found) {
  if (found == Found::kElsewhere) return void(known_.erase(tid));
  Known& known = known_[tid];
  known.switches = voluntary_switches(pid, tid).value_or(0);
  known.left = found == Found::kAsleep;
}

// It has slept since it was let go in the stop that has led to us, and enters its call only now.
void Sleeps::goes_natively(HostPid pid, HostTid tid) {
  const auto known = known_.find(tid);
  if (known == known_.end() || !known->second.left) return;
  const auto switches = voluntary_switches(pid, tid);
  const bool same = switches && *switches == known->second.switches;
  note_found(
      pid, tid,
      same ? wait_until_asleep(pid, tid, number_of(known->second.sleep)) : Found::kElsewhere);
  take_back(tid);
}

std::vector<HostTid> Sleeps::made_anew(const ThreadSet& threads) {
  std::vector<HostTid> tids;
  if (!threads.all_stopped()) return tids;
  const bool stays_stopped = threads.group_stop_signal() != 0;
  for (const HostTid tid : threads.tids()) {
    const auto known = known_.find(tid);
    if (known == known_.end()) continue;
    const auto now = registers(threads.stopped(tid));
    if (!stays_stopped && now && !known->second.left && !threads.gets_signal(tid) &&
        must_be_made_anew(tid, *now)) {
      tids.push_back(tid);
    } else {
      note_gone(threads.pid(), tid, now && !known->second.left && kernel_goes_on(tid, *now));
    }
  }
  return tids;
}

Result<> Sleeps::resume_from(ThreadSet& threads) {
  for (const HostTid tid : made_anew(threads)) {
    const auto gone = go_on(threads.pid(), threads.take_stopped(tid),
                            [](StoppedThread thread) { return resume(std::move(thread)); });
    if (!gone && gone.error().code != ErrorCode::kGone) return gone;
  }
  return {};
}

Result<> Sleeps::detach_from(ThreadSet& threads) {
  for (const HostTid tid : made_anew(threads)) {
    const auto gone = go_on(threads.pid(), threads.take_stopped(tid),
                            [](StoppedThread thread) { return detach(std::move(thread)); });
    if (gone) threads.forget(tid);  // else the set lets it go, or waits for it
    if (!gone && gone.error().code != ErrorCode::kGone) return gone;
  }
  return {};
}

}  // namespace llrun::tracer
