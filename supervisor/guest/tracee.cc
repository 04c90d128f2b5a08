#include "supervisor/guest/tracee.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "supervisor/guest/complain.h"
#include "tracer/arch/x86_64/restart.h"
#include "tracer/filter/filter.h"
#include "tracer/procfs/switches.h"
#include "tracer/procfs/text.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {
namespace {

using tracer::is_restart_code;
using tracer::StoppedThread;

// Said by the world's own kernel when a placeholder's session or group falls apart: whether it is
// true, and whom it concerns, home's kernel knows (docs/world.md, Kin).
bool is_of_the_world(const siginfo_t& info) {
  return info.si_code == SI_KERNEL && (info.si_signo == SIGHUP || info.si_signo == SIGCONT);
}

// Of its own line only: the file begins with the thread's name, which is the program's to choose
// and may look like any of these.
std::uint64_t signal_set(const std::string& file, std::string_view set) {
  const auto status = read_whole_file(file);
  const auto value = status ? tracer::value_of(*status, set) : std::nullopt;
  return value ? tracer::parse_number<std::uint64_t>(*value, 16).value_or(0) : 0;
}

}  // namespace

Tracee::Tracee(HostPid pid, World& world, Callbacks callbacks)
    : pid_(pid), world_(world), callbacks_(std::move(callbacks)) {}

void Tracee::adopt(GuestTid guest, StoppedThread thread) {
  const HostTid tid = thread.tid();
  threads_[tid].guest = guest;
  threads_[tid].token = std::move(thread);
}

// A call that no handler is about to interrupt goes on for what is left of its time.
void Tracee::go(StoppedThread token, int signal) {
  const HostTid tid = token.tid();
  if (sleeps_.find(tid) != nullptr && signal != 0 && in_signal_set("SigCgt", signal))
    sleeps_.forget(tid);
  complain("a thread could not be resumed",
           sleeps_.go_on(pid_, std::move(token), [signal](StoppedThread thread) {
             return tracer::resume(std::move(thread), signal);
           }));
}

// First those that make their calls anew.
Result<> Tracee::run() {
  frozen_ = false;
  Result<> done;  // of all of them; who has ended is met as such
  for (const bool sleeping : {true, false})
    for (auto& [tid, thread] : threads_) {
      if (!thread.token || (sleeps_.find(tid) != nullptr) != sleeping) continue;
      const auto resumed =
          sleeps_.go_on(pid_, *std::exchange(thread.token, std::nullopt),
                        [](StoppedThread token) { return tracer::resume(std::move(token)); });
      if (!resumed && resumed.error().code != ErrorCode::kGone && done) done = resumed;
    }
  return done;
}

void Tracee::note_running() {
  frozen_ = false;
  on_sigchld();  // who has ended while it was stopped
}

void Tracee::know_sleeps(tracer::Sleeps sleeps) {
  sleeps_ = std::move(sleeps);
  sleeps_.set_handed(
      [this](std::uint64_t number) { return server_ && server_->is_handed(number); });
}

void Tracee::on_sigchld() {
  if (frozen_) return;  // whoever stopped it meets the events
  std::vector<HostTid> tids;
  for (const auto& [tid, thread] : threads_) tids.push_back(tid);
  for (const HostTid tid : tids) {
    while (threads_.contains(tid)) {
      auto event = tracer::poll_stop(tid);
      if (!event || !*event) break;
      handle(**event);
      if (frozen_) return;
    }
  }
}

void Tracee::halt() {
  halted_ = true;
  sleeps_.observe(pid_, running());
  for (const auto& [tid, thread] : threads_)
    if (!thread.token) complain("a thread could not be interrupted", tracer::interrupt(tid));
}

void Tracee::go_on() {
  halted_ = false;
  for (const auto& event : std::exchange(kept_events_, {}))
    if (threads_.contains(event.tid)) handle(event);
}

bool Tracee::halt_within(std::chrono::milliseconds patience) {
  halt();
  const auto deadline = EventLoop::Clock::now() + patience;
  unstopped_.clear();
  for (const HostTid tid : running()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - EventLoop::Clock::now());
    const auto event = tracer::wait_for_stop(tid, std::max(left, std::chrono::milliseconds(1)));
    if (event) handle(*event);  // kept, or its end
    if (!event && event.error().code == ErrorCode::kTimeout)
      unstopped_.push_back({tid, sleeps_of(tid)});
  }
  return unstopped_.empty();
}

std::uint64_t Tracee::sleeps_of(HostTid tid) const {
  return tracer::voluntary_switches(pid_, tid).value_or(0);
}

bool Tracee::still_waits_for_file() const {
  return std::ranges::any_of(unstopped_, [this](const Unstopped& it) {
    return threads_.contains(it.tid) && sleeps_of(it.tid) == it.sleeps;
  });
}

bool Tracee::wants_home() const {
  return std::ranges::any_of(threads_, [](const auto& entry) { return entry.second.wants_home; });
}

bool Tracee::all_wait_for_home() const {
  return std::ranges::all_of(threads_, [this](const auto& entry) {
    return entry.second.wants_home || (server_ && server_->wants_home(entry.first));
  });
}

void Tracee::stay(bool for_good) {
  for (auto& [tid, thread] : threads_)
    if (std::exchange(thread.wants_home, false)) thread.denied = for_good;
  // Queued before anything runs, so they are met again at once.
  for (const siginfo_t& info : std::exchange(held_signals_, {})) deliver(info, {});
}

void Tracee::look_at_threads(std::chrono::milliseconds patience, const Look& look) {
  std::ignore = halt_within(patience);
  for (const auto& [tid, thread] : threads_)
    if (thread.token) look(tid, *thread.token);
  for (const auto& event : kept_events_) look(event.tid, StoppedThread::seen_stopped(event.tid));
  go_on();
}

void Tracee::handle(const tracer::StopEvent& event) {
  if (event.ended()) return on_end(event.tid, event);
  auto token = StoppedThread::seen_stopped(event.tid);
  if (halted_) {
    if (!event.is<tracer::SeccompEvent>() && !event.is<tracer::CloneEvent>()) look_at_sleep(token);
    return kept_events_.push_back(event);
  }
  if (const auto* signal = event.as<tracer::SignalDelivery>())
    return on_signal(event.tid, std::move(token), *signal);
  if (const auto* stop = event.as<tracer::GroupStop>())
    return on_group_stop(event.tid, std::move(token), stop->signal);
  if (const auto* call = event.as<tracer::SeccompEvent>())
    return on_traced_call(event.tid, std::move(token), call->data == kInjectedCall);
  if (const auto* clone = event.as<tracer::CloneEvent>())
    return on_clone(event.tid, std::move(token), clone->child);
  if (const auto* fork = event.as<tracer::ForkEvent>()) return on_unexpected_child(fork->child);
  if (event.is<tracer::ExecEvent>()) return callbacks_.breaks_out("it has executed a program here");
  if (event.is<tracer::SyscallStop>()) return on_syscall_stop(event.tid, std::move(token));
  on_event_stop(event.tid, std::move(token));
}

void Tracee::deliver(const siginfo_t& info, GuestTid tid) {
  const siginfo_t marked = sent_.add(info);
  const auto thread = tid ? host_tid(tid) : std::nullopt;
  const long queued =
      thread ? ::syscall(SYS_rt_tgsigqueueinfo, pid_.value, thread->value, info.si_signo, &marked)
             : ::syscall(SYS_rt_sigqueueinfo, pid_.value, info.si_signo, &marked);
  if (queued != 0)
    log::warn("signal {} could not be given to the guest: {}", info.si_signo,
              system_error("rt_sigqueueinfo").error().message());
}

// Of /proc/PID/status: SigCgt, SigIgn.
bool Tracee::in_signal_set(const char* set, int signal) const {
  const auto bits = signal_set(fmt::format("/proc/{}/status", pid_.value), set);
  return ((bits >> (signal - 1)) & 1) != 0;
}

// Signals whose default is a core dump: signal(7).
bool Tracee::dumps_core(int signal) const {
  switch (signal) {
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGXCPU:
    case SIGXFSZ:
    case SIGSYS:
      break;
    default:
      return false;
  }
  return !in_signal_set("SigCgt", signal) && !in_signal_set("SigIgn", signal);
}

void Tracee::on_signal(HostTid tid, StoppedThread token, const tracer::SignalDelivery& delivery) {
  look_at_sleep(token);
  siginfo_t info = sent_.take(delivery.info);
  if (is_of_the_world(delivery.info)) {
    const auto from_home = sent_.take_any(info.si_signo);
    if (!from_home) return go_from_call(tid, std::move(token), 0);
    info = *from_home;
  }
  if (std::memcmp(&info, &delivery.info, sizeof info) != 0)
    complain("a siginfo could not be set", tracer::set_signal_info(token, info));
  if (dumps_core(info.si_signo)) {
    // A fault happens again at home; a signal that was sent is queued there again.
    if (std::exchange(threads_[tid].denied, false) || !callbacks_.core_belongs_home())
      return end_without_core(std::move(token), info.si_signo);
    if (info.si_code <= 0) held_signals_.push_back(info);
    threads_[tid].wants_home = true;
    threads_[tid].token = std::move(token);
    return callbacks_.bring_home(fmt::format(
        "it ends by signal {} with a core dump, which is written at home", info.si_signo));
  }
  go_from_call(tid, std::move(token), info.si_signo);
}

// A collector of this node's ("|" in core_pattern, core(5)) would get the program's memory,
// whatever the limit of its core dumps.
void Tracee::end_without_core(StoppedThread token, int signal) {
  ended_by_ = signal;
  log::info("signal {} ends the guest, without the core dump that this node would make", signal);
  threads_[token.tid()].token = std::move(token);
  ::kill(pid_.value, SIGKILL);
}

// A stop takes a thread out of a notified call. What home did of it counts, and what it did not do
// is not done twice: the thread goes on when that is known.
void Tracee::go_from_call(HostTid tid, StoppedThread token, int signal) {
  switch (server_ ? server_->interrupted(tid) : CallServer::Interrupted::kNothing) {
    case CallServer::Interrupted::kWait:
      threads_[tid].token = std::move(token);
      threads_[tid].signal = signal;
      return;
    case CallServer::Interrupted::kMakeAnew:
      make_anew(token);
      break;
    case CallServer::Interrupted::kNothing:
      apply_outcome(token);
      break;
  }
  go(std::move(token), signal);
}

void Tracee::interrupt(HostTid tid) {
  complain("a thread could not be interrupted", tracer::interrupt(tid));
}

void Tracee::resume_signal(HostTid tid) {
  const auto found = threads_.find(tid);
  if (frozen_ || found == threads_.end() || !found->second.token) return;
  apply_outcome(*found->second.token);
  const int signal = std::exchange(found->second.signal, 0);
  go(*std::exchange(found->second.token, std::nullopt), signal);
}

// The call has had no effect: it is made again after the handler, whatever its flags, as at home it
// would not have been interrupted at all.
void Tracee::make_anew(const StoppedThread& token) {
  auto registers = tracer::registers(token);
  if (!registers || static_cast<std::int64_t>(registers->orig_rax) < 0 ||
      !is_restart_code(registers->rax))
    return;
  registers->rip -= 2;
  registers->rax = registers->orig_rax;
  registers->orig_rax = static_cast<std::uint64_t>(-1);
  complain("a call could not be rewound", tracer::set_registers(token, *registers));
}

void Tracee::apply_outcome(const StoppedThread& token) {
  const auto outcome = server_ ? server_->take_outcome(token.tid()) : std::nullopt;
  if (!outcome) return;
  auto registers = tracer::registers(token);
  if (!registers || !is_restart_code(registers->rax)) return;
  if (outcome->value) {
    registers->rax = static_cast<std::uint64_t>(*outcome->value);
    registers->orig_rax = static_cast<std::uint64_t>(-1);
  } else if (!outcome->restarts) {
    constexpr std::int64_t kRestartNoHandler = -514;  // ERESTARTNOHAND: EINTR if a handler runs
    registers->rax = static_cast<std::uint64_t>(kRestartNoHandler);
  }
  complain("an answer could not be put in place", tracer::set_registers(token, *registers));
}

void Tracee::on_group_stop(HostTid, StoppedThread token, int signal) {
  look_at_sleep(token);
  complain("a stopped thread", tracer::listen(std::move(token)));
  if (std::exchange(group_stopped_, true)) return;
  callbacks_.group_stopped(signal);
}

void Tracee::on_event_stop(HostTid tid, StoppedThread token) {
  group_stopped_ = false;
  threads_[tid].awaits_first_stop = false;
  give_back_registers(token);
  look_at_sleep(token);
  go_from_call(tid, std::move(token), 0);
}

void Tracee::look_at_sleep(const StoppedThread& token) {
  complain("what a thread sleeps in", sleeps_.look(pid_, token));
}

void Tracee::on_traced_call(HostTid tid, StoppedThread token, bool injected) {
  if (injected)  // by nobody: the injections that are ours are met where they are made
    return callbacks_.breaks_out("it makes a system call from where only its supervisor makes any");
  const auto registers = tracer::registers(token);
  if (!registers) return;
  if (registers->orig_rax != SYS_rt_sigtimedwait)
    return on_clone_call(tid, std::move(token), *registers);
  threads_[tid].waits_for_signal = true;
  complain("a wait for a signal could not be let go",
           sleeps_.go_on(pid_, std::move(token), [](StoppedThread thread) {
             return tracer::resume_to_syscall(std::move(thread));
           }));
}

// A signal that was taken out of the queue by rt_sigtimedwait is met by no stop for its delivery.
void Tracee::tell_taken_signal(const StoppedThread& token) {
  const auto registers = tracer::registers(token);
  if (!registers || registers->orig_rax != SYS_rt_sigtimedwait) return;
  const auto signal = static_cast<std::int64_t>(registers->rax);
  if (signal < 1 || signal >= NSIG) return;
  const tracer::RemoteAddr place{registers->rsi};
  if (place.value == 0) {
    std::ignore = sent_.take_any(static_cast<int>(signal));
    return;
  }
  const auto info = tracer::read_value<siginfo_t>(pid_, place);
  if (!info) return;
  const siginfo_t truth = sent_.take(*info);
  if (std::memcmp(&truth, &*info, sizeof truth) != 0)
    complain("a siginfo could not be set", tracer::write_value(pid_, place, truth));
}

void Tracee::on_syscall_stop(HostTid tid, StoppedThread token) {
  if (!births_.empty() && births_.front().creator == tid) {
    threads_[tid].making_thread = false;
    give_back_registers(token);
    end_birth();
  } else if (std::exchange(threads_[tid].waits_for_signal, false)) {
    look_at_sleep(token);
    const auto found = tracer::registers(token);
    if (found && is_restart_code(found->rax)) return leave_interrupted_wait(std::move(token));
    tell_taken_signal(token);
  }
  go(std::move(token));
}

// The stop at its end has taken an interrupt with it, and is none from which the kernel makes a
// call again: so another one is asked for.
void Tracee::leave_interrupted_wait(StoppedThread token) {
  interrupt(token.tid());
  complain("a thread could not be resumed", tracer::resume(std::move(token)));
}

void Tracee::on_end(HostTid tid, const tracer::StopEvent& event) {
  const GuestTid guest = threads_[tid].guest;
  threads_.erase(tid);
  sleeps_.forget(tid);
  if (server_) server_->forget(tid);
  if (!births_.empty() && births_.front().creator == tid) end_birth();
  if (tid.value == pid_.value) {
    ended_ = true;
    const auto* killed = event.as<tracer::Killed>();
    const auto* exited = event.as<tracer::Exited>();
    if (killed && killed->signal == SIGKILL && ended_by_ != 0) return callbacks_.ended(ended_by_);
    return callbacks_.ended(killed ? killed->signal : exited->status << 8);
  }
  callbacks_.thread_ended(guest);
}

std::vector<HostTid> Tracee::running() const {
  std::vector<HostTid> tids;
  for (const auto& [tid, thread] : threads_)
    if (!thread.token) tids.push_back(tid);
  return tids;
}

// Halted first: from there everything can go on as if nothing had been.
Result<tracer::ThreadSet> Tracee::stop_all(std::chrono::milliseconds patience) {
  LLRUN_TRY(finish_births());
  if (!halt_within(patience)) {
    go_on();
    return failure(ErrorCode::kTimeout, "it waits for a file of home's");
  }
  halted_ = false;
  for (auto& [tid, thread] : threads_)
    if (std::exchange(thread.making_thread, false) && thread.token) take_back(*thread.token);
  auto set = tracer::ThreadSet::of_running(pid_, running());
  for (auto& [tid, thread] : threads_)
    if (thread.token) hand_over(thread, set);
  frozen_ = true;
  const auto stopped = [&]() -> Result<> {
    for (const auto& event : std::exchange(kept_events_, {}))
      if (threads_.contains(event.tid)) LLRUN_TRY(set.note_event(event));
    return set.stop_all();
  }();
  for (const auto& event : set.take_met()) {
    if (event.ended()) on_end(event.tid, event);
    if (const auto* fork = event.as<tracer::ForkEvent>()) on_unexpected_child(fork->child);
  }
  if (!stopped) {
    stay(false);
    complain("a thread could not be resumed", set.resume_all());
    note_running();
    return std::unexpected(stopped.error());
  }
  for (const HostTid tid : set.tids()) {
    give_back_registers(set.stopped(tid));
    if (std::exchange(threads_[tid].waits_for_signal, false)) tell_taken_signal(set.stopped(tid));
    look_at_sleep(set.stopped(tid));
  }
  return set;
}

// A signal that waits for its thread's call to be decided goes along: it is in no queue any more.
void Tracee::hand_over(Thread& thread, tracer::ThreadSet& set) {
  auto token = *std::exchange(thread.token, std::nullopt);
  std::optional<siginfo_t> signal;
  if (std::exchange(thread.signal, 0) != 0)
    if (const auto info = tracer::signal_info(token.tid())) signal = *info;
  set.add_stopped(std::move(token), signal);
}

void Tracee::settle_call(const StoppedThread& token) {
  // A signal may be on its way, at home or in a queue: in a call that waits it finds the thread
  // waiting, not before it.
  if (server_ && server_->holds(token.tid()) && !server_->end_as_at_home(token.tid()))
    return make_anew(token);
  apply_outcome(token);
}

Result<> Tracee::run_on(tracer::ThreadSet threads) {
  const auto shortened = sleeps_.resume_from(threads);
  const auto resumed = threads.resume_all();
  note_running();
  return shortened ? resumed : shortened;
}

std::optional<GuestTid> Tracee::guest_tid(HostTid tid) const {
  const auto found = threads_.find(tid);
  if (found == threads_.end()) return std::nullopt;
  return found->second.guest;
}

std::uint64_t Tracee::signal_mask(HostTid tid) const {
  return signal_set(fmt::format("/proc/{}/task/{}/status", pid_.value, tid.value), "SigBlk");
}

std::optional<HostTid> Tracee::host_tid(GuestTid tid) const {
  for (const auto& [host, thread] : threads_)
    if (thread.guest == tid) return host;
  return std::nullopt;
}

}  // namespace llrun
