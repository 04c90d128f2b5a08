#include "supervisor/shadow/keeper.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "supervisor/shadow/call_layout.h"
#include "tracer/arch/x86_64/restart.h"

namespace llrun {
namespace {

using tracer::is_restart_code;
using tracer::RemoteAddr;
using tracer::RemoteSyscalls;
using tracer::StoppedThread;

// Room for the buffers of one call, and for how many calls an arena has it.
constexpr std::uint64_t kSlotSize = 64 << 10;
constexpr std::size_t kSlots = 32;
constexpr std::uint64_t kNoCall = static_cast<std::uint64_t>(-1);
constexpr std::chrono::milliseconds kCancelPatience{800};

// What a call has written of an output buffer: what it returned counts it, or a whole structure.
std::uint64_t answered_bytes(const protocol::HomeCall& call, std::int64_t value) {
  if (value < 0) return UINT64_MAX;
  if (call.number() == SYS_read) return static_cast<std::uint64_t>(value);
  if (call.number() == SYS_getgroups) return static_cast<std::uint64_t>(value) * sizeof(gid_t);
  return UINT64_MAX;
}

// A write beyond the limit of file sizes, made for the guest, raises a signal in the thread that
// made it, in the name of the process (fs/read_write.c: send_sig(SIGXFSZ, current, 0)).
bool is_by_own_write(const siginfo_t& info, HostPid shadow) {
  return info.si_signo == SIGXFSZ && info.si_pid == shadow.value;
}

template <typename Value>
void complain(const char* what, const Result<Value>& result) {
  if (!result && result.error().code != ErrorCode::kGone)
    log::error("shadow: {}: {}", what, result.error().message());
}

}  // namespace

ShadowKeeper::ShadowKeeper(HostPid pid, tracer::StubPage page, const std::vector<HostTid>& threads,
                           Callbacks callbacks)
    : pid_(pid), page_(page), callbacks_(std::move(callbacks)) {
  for (const HostTid tid : threads) threads_[tid];
}

std::vector<HostTid> ShadowKeeper::tids() const {
  std::vector<HostTid> tids;
  for (const auto& [tid, thread] : threads_) tids.push_back(tid);
  return tids;
}

void ShadowKeeper::on_sigchld() {
  if (held_) return look_for_ends();
  for (const HostTid tid : tids()) {
    while (threads_.contains(tid)) {
      auto event = tracer::poll_stop(tid);
      if (!event || !*event) break;
      handle(**event);
      if (held_) return;
    }
  }
}

// The main thread last: it is told of when the others have been waited for.
void ShadowKeeper::look_for_ends() {
  auto those = tids();
  std::ranges::reverse(those);
  for (const HostTid tid : those)
    if (const auto end = tracer::poll_end(tid); end && *end) handle(**end);
}

void ShadowKeeper::on_died() {
  held_ = false;
  on_sigchld();
  if (std::exchange(ended_, true)) return;
  callbacks_.ended(tracer::Killed{SIGKILL, false});
}

void ShadowKeeper::handle(const tracer::StopEvent& event) {
  if (event.ended()) {
    threads_.erase(event.tid);
    if (event.tid.value != pid_.value) return;
    ended_ = true;
    return callbacks_.ended(event.what);
  }
  auto token = StoppedThread::seen_stopped(event.tid);
  if (std::exchange(threads_[event.tid].newborn, false)) return park(std::move(token));
  if (const auto* signal = event.as<tracer::SignalDelivery>())
    return on_signal(event.tid, std::move(token), signal->info);
  if (event.is<tracer::GroupStop>()) return complain("listen", tracer::listen(std::move(token)));
  if (const auto& call = threads_[event.tid].call; call && call->cancelled) {
    if (!stands_at_trap(event.tid, token)) {
      give_up_call(event.tid, token);
      return park(std::move(token));
    }
  }
  // SIGCONT, or the rest of an interruption: the call or the sleep goes on.
  complain("resume", tracer::resume(std::move(token)));
}

void ShadowKeeper::on_signal(HostTid tid, StoppedThread token, const siginfo_t& info) {
  if (finished_call(tid, token, info)) return park(std::move(token));
  if (stopping_by_ == info.si_signo && info.si_pid == ::getpid()) {
    stopping_by_ = 0;  // our own order
    return complain("stop", tracer::resume(std::move(token), info.si_signo));
  }
  hand_on(tid, info);
  if (!threads_[tid].call) return complain("resume", tracer::resume(std::move(token)));
  // The guest decides what the signal means to the call, and asks again if it still wants it.
  give_up_call(tid, token);
  park(std::move(token));
}

void ShadowKeeper::hand_on(HostTid tid, const siginfo_t& info) {
  const bool by_own_write = is_by_own_write(info, pid_);
  if (by_own_write && std::exchange(threads_[tid].told, false)) return;
  const bool to_thread = info.si_code == SI_TKILL || by_own_write;
  callbacks_.signal(info, to_thread ? GuestTid{tid.value} : GuestTid{});
}

bool ShadowKeeper::finished_call(HostTid tid, const StoppedThread& token, const siginfo_t& info) {
  if (info.si_signo != SIGTRAP || !stands_at_trap(tid, token)) return false;
  const auto registers = tracer::registers(token);
  if (!registers) return false;
  finish_call(tid, token, static_cast<std::int64_t>(registers->rax));
  return true;
}

// Behind the int3 that follows the system call instruction (two bytes, and one).
bool ShadowKeeper::stands_at_trap(HostTid tid, const StoppedThread& token) const {
  const auto thread = threads_.find(tid);
  if (thread == threads_.end() || !thread->second.call) return false;
  const auto registers = tracer::registers(token);
  return registers && registers->rip == page_.site().address.value + 3;
}

// A signal that the call has raised, and its thread has blocked, is pending there when it returns.
void ShadowKeeper::finish_call(HostTid tid, const StoppedThread& token, std::int64_t value) {
  const auto queued = tracer::queued_signals(token, tracer::SignalQueue::kThread);
  complain("a call's signals", queued);
  if (queued)
    for (const siginfo_t& info : *queued)
      if (is_by_own_write(info, pid_)) {
        hand_on(tid, info);
        threads_[tid].told = true;
      }
  Call call = *std::exchange(threads_[tid].call, std::nullopt);
  give_slot(call.slot);
  protocol::HomeCallDone done;
  done.set_id(call.call.id());
  done.set_value(value);
  add_outputs(call, value, done);
  callbacks_.call_done(done);
  start_waiting_calls();
}

// Negative: the call has failed, or come to nothing, and only what is written all the same counts.
void ShadowKeeper::add_outputs(const Call& call, std::int64_t value,
                               protocol::HomeCallDone& done) const {
  for (int i = 0; i < call.call.buffers_size(); ++i) {
    const auto& buffer = call.call.buffers(i);
    if (!buffer.output() || (value < 0 && !buffer.written_always())) continue;
    std::string bytes(std::min<std::uint64_t>(answered_bytes(call.call, value), buffer.size()),
                      '\0');
    auto got = tracer::read_memory(pid_, call.buffers[static_cast<std::size_t>(i)],
                                   std::as_writable_bytes(std::span(bytes)));
    complain("an answer's bytes", got);
    auto& output = *done.add_outputs();
    output.set_buffer(static_cast<std::uint32_t>(i));
    output.set_bytes(std::move(bytes));
  }
}

void ShadowKeeper::give_up_call(HostTid tid, const StoppedThread& token) {
  const auto registers = tracer::registers(token);
  // Interrupted in the kernel before anything had happened; else it is done, only the trap was
  // still to come.
  if (registers && !is_restart_code(registers->rax) &&
      registers->rip == page_.site().address.value + 2 && registers->rax != kNoCall)
    return finish_call(tid, token, static_cast<std::int64_t>(registers->rax));
  const Call call = *std::exchange(threads_[tid].call, std::nullopt);
  give_slot(call.slot);
  protocol::HomeCallDone done;
  done.set_id(call.call.id());
  done.set_cancelled(true);
  add_outputs(call, -EINTR, done);
  callbacks_.call_done(done);
  start_waiting_calls();
}

void ShadowKeeper::answer_cancelled(const protocol::HomeCall& call, const std::string& refusal) {
  protocol::HomeCallDone done;
  done.set_id(call.id());
  done.set_cancelled(true);
  done.set_refusal(refusal);
  callbacks_.call_done(done);
}

// The threads sleep with every signal unblocked, so that each is met at once.
void ShadowKeeper::park(StoppedThread token) {
  auto registers = tracer::registers(token);
  if (!registers) return;
  registers->rip = page_.park().value;
  registers->orig_rax = kNoCall;
  complain("park", tracer::set_registers(token, *registers));
  complain("park", tracer::set_signal_mask(token, 0));
  complain("park", tracer::resume(std::move(token)));
}

// An interrupt is met before the trap behind a call that has ended in just this moment
// (kernel/signal.c, get_signal): the trap's own stop is then still to come.
Result<tracer::HeldThread> ShadowKeeper::stop_thread(HostTid tid,
                                                     std::chrono::milliseconds patience) {
  LLRUN_TRY(tracer::interrupt(tid));
  for (;;) {
    LLRUN_TRY_ASSIGN(auto event, tracer::wait_for_stop(tid, patience));
    if (event.is<tracer::EventStop>() || event.is<tracer::GroupStop>()) {
      auto token = StoppedThread::seen_stopped(tid);
      if (!stands_at_trap(tid, token)) return tracer::HeldThread(std::move(token));
      LLRUN_TRY(tracer::resume(std::move(token)));
      LLRUN_TRY_ASSIGN(event, tracer::wait_for_stop(tid));
    }
    handle(event);
    if (!threads_.contains(tid)) return failure(ErrorCode::kGone, "a shadow's thread has ended");
    LLRUN_TRY(tracer::interrupt(tid));
  }
}

// By the thread that wants to make a call, so that none that waits in one is disturbed.
Result<> ShadowKeeper::add_arena(const StoppedThread& token) {
  LLRUN_TRY_ASSIGN(auto calls, RemoteSyscalls::borrow(pid_, token, page_.site()));
  const auto start = calls.call(SYS_mmap, 0, kSlotSize * kSlots, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (const siginfo_t& info : calls.take_signals()) hand_on(token.tid(), info);
  LLRUN_TRY(calls.finish());
  if (!start) return std::unexpected(start.error());
  LLRUN_TRY_ASSIGN(const auto arena, tracer::RemoteRange::of({*start}, kSlotSize * kSlots));
  arenas_.push_back(arena);
  slots_used_.resize(arenas_.size() * kSlots, false);
  return {};
}

Result<std::uint64_t> ShadowKeeper::take_slot(const StoppedThread& token) {
  if (std::ranges::find(slots_used_, false) == slots_used_.end()) LLRUN_TRY(add_arena(token));
  const auto free = std::ranges::find(slots_used_, false);
  *free = true;
  return static_cast<std::uint64_t>(free - slots_used_.begin());
}

void ShadowKeeper::give_slot(std::uint64_t slot) {
  if (slot < slots_used_.size()) slots_used_[slot] = false;
}

void ShadowKeeper::start_waiting_calls() {
  if (waiting_calls_.empty() || std::ranges::find(slots_used_, false) == slots_used_.end()) return;
  const protocol::HomeCall next = std::move(waiting_calls_.front());
  waiting_calls_.pop_front();
  start_call(next);
}

void ShadowKeeper::start_call(const protocol::HomeCall& wanted) {
  const HostTid tid{wanted.tid()};
  const auto thread = threads_.find(tid);
  if (thread == threads_.end() || thread->second.call ||
      std::ranges::find(waiting_calls_, wanted.tid(), &protocol::HomeCall::tid) !=
          waiting_calls_.end())
    return answer_cancelled(wanted, "its thread is not free at home");
  auto token = stop_thread(tid);
  if (!token && token.error().code != ErrorCode::kGone && threads_.contains(tid))
    return answer_cancelled(wanted, token.error().message());
  if (!token) return;  // the shadow has ended; so will the guest
  const auto slot = take_slot(**token);
  if (!slot) {
    complain("room for a call", slot);
    // Those under way give theirs back.
    const bool first = std::ranges::find(slots_used_, true) == slots_used_.end();
    if (first) answer_cancelled(wanted, slot.error().message());
    if (!first) waiting_calls_.push_back(wanted);
    return park(token->take());
  }
  Call call{wanted, *slot, {}};
  auto placed = place_call(**token, call);
  if (!placed) {
    complain("a call", placed);
    give_slot(*slot);
    answer_cancelled(wanted, placed.error().message());
    return park(token->take());
  }
  threads_[tid].call = std::move(call);
  complain("a call", tracer::resume(token->take()));
}

Result<> ShadowKeeper::place_call(const StoppedThread& token, Call& call) {
  LLRUN_TRY_ASSIGN(auto registers, tracer::registers(token));
  LLRUN_TRY_ASSIGN(const auto room, tracer::RemoteRange::of(arenas_[call.slot / kSlots].start +
                                                                call.slot % kSlots * kSlotSize,
                                                            kSlotSize));
  LLRUN_TRY_ASSIGN(CallLayout layout, lay_out_call(call.call, room));
  for (int i = 0; i < call.call.buffers_size(); ++i)
    if (const auto& input = call.call.buffers(i).input(); !input.empty())
      LLRUN_TRY(tracer::write_memory(pid_, layout.buffers[static_cast<std::size_t>(i)],
                                     bytes_of(std::string_view(input))));
  call.buffers = std::move(layout.buffers);
  const auto& arguments = layout.arguments;
  registers.rip = page_.site().address.value;
  registers.orig_rax = kNoCall;
  registers.rax = call.call.number();
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  registers.r10 = arguments[3];
  registers.r8 = arguments[4];
  registers.r9 = arguments[5];
  LLRUN_TRY(tracer::set_registers(token, registers));
  // With the guest thread's own mask, so that what interrupts it there interrupts it here.
  return tracer::set_signal_mask(token, call.call.signal_mask());
}

void ShadowKeeper::cancel_call(std::uint64_t id) {
  const auto waiting = std::ranges::find(waiting_calls_, id, &protocol::HomeCall::id);
  if (waiting != waiting_calls_.end()) {
    const protocol::HomeCall call = std::move(*waiting);
    waiting_calls_.erase(waiting);
    return answer_cancelled(call);
  }
  for (auto& [tid, thread] : threads_) {
    if (!thread.call || thread.call->call.id() != id) continue;
    const HostTid which = tid;
    auto token = stop_thread(which, kCancelPatience);
    if (!threads_.contains(which)) return;
    if (!token) {  // it waits for a file, say, where nothing interrupts it: when it stops
      if (threads_[which].call) threads_[which].call->cancelled = true;
      return;
    }
    if (threads_[which].call) give_up_call(which, **token);
    return park(token->take());
  }
}

void ShadowKeeper::stop_like_guest(int signal) {
  stopping_by_ = signal;
  if (::kill(pid_.value, signal) != 0)
    log::error("shadow: could not be stopped: {}", system_error("kill").error().message());
}

// Known from the moment when it is there: if it does not come to its first stop now, its stop is
// met as those of the others.
Result<HostTid> ShadowKeeper::new_thread() {
  LLRUN_TRY_ASSIGN(const auto main, stop_thread(HostTid{pid_.value}));
  LLRUN_TRY_ASSIGN(const HostTid made, make_thread(*main));
  LLRUN_TRY_ASSIGN(const auto event, tracer::wait_for_stop(made));
  handle(event);
  if (!threads_.contains(made)) return failure(ErrorCode::kGone, "a new thread has ended");
  return made;
}

Result<HostTid> ShadowKeeper::make_thread(const StoppedThread& main) {
  constexpr unsigned long kThread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  LLRUN_TRY_ASSIGN(auto calls, RemoteSyscalls::borrow(pid_, main, page_.site()));
  const auto tid = calls.call(SYS_clone, kThread, 0, 0, 0, 0);
  std::optional<HostTid> made;
  if (tid) made = HostTid{static_cast<pid_t>(*tid)};
  for (const auto& event : calls.take_events())
    if (const auto* clone = event.as<tracer::CloneEvent>()) made = clone->child;
  if (made) threads_[*made].newborn = true;
  for (const siginfo_t& info : calls.take_signals()) hand_on(main.tid(), info);
  LLRUN_TRY(calls.finish());
  if (!tid) return std::unexpected(tid.error());
  return *made;
}

// While its end has not been seen it is one of ours, whatever went wrong.
void ShadowKeeper::end_thread(HostTid tid) {
  if (!threads_.contains(tid) || tid.value == pid_.value) return;
  std::erase_if(waiting_calls_,
                [tid](const protocol::HomeCall& call) { return call.tid() == tid.value; });
  auto token = stop_thread(tid);
  if (!token) return;
  auto calls = RemoteSyscalls::borrow(pid_, **token, page_.site());
  if (!calls) return complain("end of a thread", calls);
  const auto end = calls->call_to_end(SYS_exit, 0);
  complain("end of a thread", end);
  if (end) threads_.erase(tid);
}

Result<> ShadowKeeper::close_fd(int number) {
  LLRUN_TRY_ASSIGN(const auto main, stop_thread(HostTid{pid_.value}));
  LLRUN_TRY_ASSIGN(auto calls, RemoteSyscalls::borrow(pid_, *main, page_.site()));
  const auto closed = calls.call(SYS_close, number);
  for (const siginfo_t& info : calls.take_signals()) hand_on(HostTid{pid_.value}, info);
  LLRUN_TRY(calls.finish());
  if (!closed) return std::unexpected(closed.error());
  return {};
}

Result<> ShadowKeeper::end_like_guest(int wait_status) {
  const int signal = WTERMSIG(wait_status);
  {
    LLRUN_TRY_ASSIGN(const auto main, stop_thread(HostTid{pid_.value}));
    if (WIFEXITED(wait_status)) return exit_with(*main, WEXITSTATUS(wait_status));
    if (signal != SIGKILL) LLRUN_TRY(let_signal_kill(*main, signal));
    stopping_by_ = signal;
  }
  if (::kill(pid_.value, signal) != 0) return system_error("end the shadow");
  return {};
}

Result<> ShadowKeeper::exit_with(const StoppedThread& token, int status) {
  LLRUN_TRY_ASSIGN(auto registers, tracer::registers(token));
  registers.rip = page_.site().address.value;
  registers.orig_rax = kNoCall;
  registers.rax = SYS_exit_group;
  registers.rdi = static_cast<std::uint64_t>(status);
  return tracer::set_registers(token, registers);
}

// The default action, which kills; without a core dump, whose contents home does not have.
Result<> ShadowKeeper::let_signal_kill(const StoppedThread& token, int signal) {
  struct KernelSigaction {
    std::uint64_t handler, flags, restorer, mask;
  };
  const KernelSigaction fallback{};
  const rlimit no_core{0, 0};
  const RemoteAddr scratch = page_.arena().start;
  LLRUN_TRY_ASSIGN(auto calls, RemoteSyscalls::borrow(pid_, token, page_.site()));
  LLRUN_TRY(tracer::write_value(pid_, scratch, fallback));
  LLRUN_TRY(calls.call(SYS_rt_sigaction, signal, scratch, 0, sizeof fallback.mask));
  LLRUN_TRY(tracer::write_value(pid_, scratch, no_core));
  LLRUN_TRY(calls.call(SYS_prlimit64, 0, RLIMIT_CORE, scratch, 0));
  return calls.finish();
}

Result<tracer::ThreadSet> ShadowKeeper::stop_all() {
  auto set = tracer::ThreadSet::of_running(pid_, tids());
  held_ = true;
  const auto stopped = set.stop_all();
  for (const auto& event : set.take_met())
    if (event.ended()) handle(event);
  if (ended_) return failure(ErrorCode::kGone, "the shadow has ended");
  for (const HostTid tid : set.tids())
    if (const auto signal = set.take_signal(tid)) hand_on(tid, *signal);
  if (stopped) return set;
  held_ = false;
  complain("resume", set.resume_all());
  return std::unexpected(stopped.error());
}

Result<> ShadowKeeper::end_stopped_thread(tracer::ThreadSet& threads, HostTid tid) {
  {
    LLRUN_TRY_ASSIGN(auto calls, RemoteSyscalls::borrow(pid_, threads.stopped(tid), page_.site()));
    LLRUN_TRY(calls.call_to_end(SYS_exit, 0));
  }
  threads.forget(tid);
  return {};
}

Result<> ShadowKeeper::park_all(tracer::ThreadSet threads, tracer::StubPage page) {
  held_ = false;
  page_ = page;
  arenas_.clear();  // they went with the rest of the shadow's memory
  slots_used_.clear();
  for (const HostTid tid : threads.tids()) park(threads.take_stopped(tid));
  on_sigchld();  // whoever has ended, or stopped by himself, meanwhile
  return {};
}

}  // namespace llrun
