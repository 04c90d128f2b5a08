#include "tracer/remote/remote_syscall.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <utility>

#include "tracer/arch/x86_64/restart.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kNoCall = static_cast<std::uint64_t>(-1);  // orig_rax: not in a system call
constexpr std::uint64_t kAllSignals = ~std::uint64_t{0};
// The trap that ends a call is a SIGTRAP forced by the kernel, which resets the program's action
// for it when it is blocked (kernel/signal.c, force_sig_info_to_task). So that one stays unblocked
// where calls end so, and one that somebody has sent is met there, too.
constexpr std::uint64_t kAllButTrap = kAllSignals & ~(std::uint64_t{1} << (SIGTRAP - 1));
constexpr std::uint64_t kTrapFlag = 0x100;
constexpr std::uint64_t kSyscallSize = 2;
// __USER_CS and __USER_DS: arch/x86/include/asm/segment.h
constexpr std::uint64_t kCode64 = 0x33;
constexpr std::uint64_t kData64 = 0x2b;
constexpr int kMaxEvents = 1000;
constexpr int kMaxRestarts = 1000;
// An injected munmap of a large program's memory takes 100 ms a GiB.
constexpr std::chrono::milliseconds kCallTimeout{300'000};

bool is_error(std::uint64_t result) { return result >= static_cast<std::uint64_t>(-4095L); }

std::string name_of_call(long number) { return "injected system call " + std::to_string(number); }

bool makes(const Registers& registers, const StubCall& call) {
  const std::uint64_t arguments[6] = {registers.rdi, registers.rsi, registers.rdx,
                                      registers.r10, registers.r8,  registers.r9};
  return registers.orig_rax == call.number && std::ranges::equal(arguments, call.arguments);
}

void set_arguments(Registers& registers, std::span<const std::uint64_t> arguments) {
  unsigned long long* const places[6] = {&registers.rdi, &registers.rsi, &registers.rdx,
                                         &registers.r10, &registers.r8,  &registers.r9};
  for (std::size_t i = 0; i < arguments.size() && i < 6; ++i) *places[i] = arguments[i];
}

bool is_trap(const siginfo_t& info) { return info.si_signo == SIGTRAP; }

// What `found` does next, without the kernel, which begins an interrupted call again only for whom
// it stopped.
StubFrame frame_of(const Registers& found, std::uint64_t mask) {
  StubFrame frame{found.rax, found.rbx, found.rcx, found.rdx, found.rsi, found.rdi,
                  found.rbp, found.r8,  found.r9,  found.r10, found.r11, found.r12,
                  found.r13, found.r14, found.r15, found.rip, mask};
  if (in_system_call(found) && is_restart_code(found.rax)) {
    frame.rip -= kSyscallSize;
    frame.rax = sleeps_with_restart_block(found) ? kRestartSyscall : found.orig_rax;
  }
  return frame;
}

// Needs PTRACE_O_TRACESYSGOOD, without which a stop that nobody has waited for becomes a SIGTRAP
// when we are killed.
Result<bool> is_call_stop(const StopEvent& event) { return event.is<SyscallStop>(); }

// From the stop of a trap of ours, with a SIGTRAP that was met on the way to it put back. A signal
// that is blocked by the time it would be delivered is queued again, where it was, with the siginfo
// that the tracer has set (kernel/signal.c, ptrace_signal). Leaves all signals blocked.
Result<> stop_anew_with_trap(const StoppedThread& thread, const siginfo_t& trap) {
  LLRUN_TRY(set_signal_info(thread, trap));
  LLRUN_TRY(set_signal_mask(thread, kAllSignals));
  return stop_anew(thread, SIGTRAP);
}

}  // namespace

Result<RemoteSyscalls> RemoteSyscalls::borrow(HostPid pid, const StoppedThread& thread,
                                              SyscallSite site) {
  RemoteSyscalls calls(pid, thread, site);
  calls.finished_ = true;  // nothing to give back yet
  LLRUN_TRY_ASSIGN(calls.saved_, registers(thread));
  LLRUN_TRY_ASSIGN(calls.mask_, signal_mask(thread));
  if (calls.returns()) LLRUN_TRY(calls.prepare_return());
  LLRUN_TRY(set_signal_mask(thread, calls.returns() ? kAllSignals : kAllButTrap));
  calls.finished_ = false;
  return calls;
}

RemoteSyscalls::RemoteSyscalls(RemoteSyscalls&& other) noexcept
    : pid_(other.pid_),
      thread_(other.thread_),
      site_(other.site_),
      saved_(other.saved_),
      mask_(other.mask_),
      signals_(std::move(other.signals_)),
      events_(std::move(other.events_)),
      in_call_(other.in_call_),
      finished_(std::exchange(other.finished_, true)) {}

RemoteSyscalls::~RemoteSyscalls() {
  if (!finished_) std::ignore = finish();
}

// A call needs no stack, and on the alternate one sigaltstack(2) is refused. Who may have to return
// by himself keeps his. The code at the site is 64-bit code: a thread that runs in a 32-bit segment
// would find other code at the lower half of its address.
Registers RemoteSyscalls::starting_at(std::uint64_t address) const {
  auto registers = saved_;
  registers.rip = address;
  registers.orig_rax = kNoCall;
  registers.eflags &= ~kTrapFlag;
  registers.cs = kCode64;
  registers.ss = kData64;
  if (!returns()) registers.rsp = 0;
  return registers;
}

// Before the mask is another, so that there is always somebody who puts it right.
Result<> RemoteSyscalls::prepare_return() {
  const auto frame = frame_of(saved_, mask_);
  constexpr std::uint64_t kFrame = LLRUN_STUB_FRAME - LLRUN_STUB_RETURNING;
  LLRUN_TRY(write_memory_forced(pid_, site_.address + kFrame, bytes_of(frame)));
  return set_registers(*thread_, starting_at(site_.address.value + kSyscallSize));
}

// Any stop takes the interrupt that is due with it (kernel/signal.c, ptrace_stop).
Result<> stop_anew(const StoppedThread& thread, int signal) {
  for (int count = 0; count < kMaxEvents; ++count) {
    LLRUN_TRY(interrupt(thread.tid()));
    LLRUN_TRY(resume(StoppedThread::seen_stopped(thread.tid()), count == 0 ? signal : 0));
    LLRUN_TRY_ASSIGN(const auto event, next_stop(thread.tid()));
    if (event.is<EventStop>() || event.is<GroupStop>()) return {};
  }
  return failure(ErrorCode::kTimeout,
                 "thread " + std::to_string(thread.tid().value) + " does not stop anew");
}

Result<> RemoteSyscalls::finish() {
  if (std::exchange(finished_, true)) return {};
  const auto settled = settle();
  const auto mask = set_signal_mask(*thread_, mask_);
  const auto all = set_registers(*thread_, saved_);
  stop_again();
  LLRUN_TRY(settled);
  LLRUN_TRY(mask);
  return all;
}

// A thread can have two, one of its own and one of the process: they become one.
Result<> RemoteSyscalls::settle() {
  const bool in_call = std::exchange(in_call_, false);
  if (const auto traps = take_traps(); !traps.empty())
    return stop_anew_with_trap(*thread_, traps.front());
  return in_call ? stop_anew(*thread_) : Result<>();
}

Result<> RemoteSyscalls::abandon() {
  finished_ = true;
  const auto settled = settle();
  stop_again();
  return settled;
}

// It stops the whole process, whichever thread it was sent to, and says to nobody who sent it.
void RemoteSyscalls::stop_again() {
  const auto left = take_signals();
  if (std::ranges::any_of(left, [](const auto& info) { return info.si_signo == SIGSTOP; }))
    ::kill(pid_.value, SIGSTOP);
}

Result<std::uint64_t> RemoteSyscalls::call_with(long number,
                                                std::span<const std::uint64_t> arguments) {
  LLRUN_TRY_ASSIGN(const auto result, call_through(number, arguments));
  if (is_error(result)) return system_error(name_of_call(number), -static_cast<int>(result));
  return result;
}

Result<std::uint64_t> RemoteSyscalls::call_through(long number,
                                                   std::span<const std::uint64_t> arguments) {
  for (int attempt = 0; attempt < kMaxRestarts; ++attempt) {
    LLRUN_TRY_ASSIGN(const auto result, call_once(number, arguments));
    if (!is_restart_code(result)) return result;
  }
  return failure(ErrorCode::kTimeout, name_of_call(number) + " is interrupted again and again");
}

Result<std::uint64_t> RemoteSyscalls::call_once(long number,
                                                std::span<const std::uint64_t> arguments) {
  auto start = starting_at(site_.address.value);
  start.rax = static_cast<std::uint64_t>(number);
  set_arguments(start, arguments);
  const std::uint64_t end = site_.address.value + kSyscallSize;
  const StubCall call{
      start.rax, {start.rdi, start.rsi, start.rdx, start.r10, start.r8, start.r9}, 0};
  switch (site_.after) {
    case SyscallSite::After::kReturn: {
      LLRUN_TRY_ASSIGN(const auto after, run_call(start));
      return after.rax;
    }
    case SyscallSite::After::kTrap: {
      LLRUN_TRY_ASSIGN(const auto after, run(start, {&call, 1}, end + 1, false));
      return after.rax;
    }
    case SyscallSite::After::kAnything:
      break;
  }
  LLRUN_TRY_ASSIGN(const auto after, run(start, {&call, 1}, end, true));
  in_call_ = true;
  return after.rax;
}

Result<> RemoteSyscalls::call_all(std::span<StubCall> calls, RemoteAddr scratch) {
  if (calls.empty()) return {};
  if (returns()) {
    for (auto& call : calls) {
      LLRUN_TRY_ASSIGN(call.result, call_through(static_cast<long>(call.number), call.arguments));
    }
    return {};
  }
  LLRUN_CHECK(site_.after == SyscallSite::After::kTrap, "a batch needs a stub page");
  LLRUN_TRY(write_memory(pid_, scratch, std::as_bytes(calls)));
  const std::uint64_t page = site_.address.value - LLRUN_STUB_SYSCALL;
  auto start = starting_at(page + LLRUN_STUB_BATCH);
  start.r12 = scratch.value;
  start.r13 = calls.size();
  LLRUN_TRY(run(start, calls, page + LLRUN_STUB_BATCH_END + 1, false));
  return read_memory(pid_, scratch, std::as_writable_bytes(calls));
}

Result<> RemoteSyscalls::start_end(long number, std::uint64_t argument) {
  auto start = starting_at(site_.address.value);
  start.rax = static_cast<std::uint64_t>(number);
  start.rdi = argument;
  LLRUN_TRY(set_registers(*thread_, start));
  finished_ = true;
  return resume(StoppedThread::seen_stopped(tid()));
}

Result<StopEvent> RemoteSyscalls::call_to_end(long number, std::uint64_t argument) {
  LLRUN_TRY(start_end(number, argument));
  return wait_for_end(tid());
}

template <typename Wanted>
Result<> RemoteSyscalls::run_until(Result<> (*go)(StoppedThread, int), Wanted wanted) {
  for (int count = 0; count < kMaxEvents; ++count) {
    LLRUN_TRY(go(StoppedThread::seen_stopped(tid()), 0));
    const auto event = next_stop(tid(), kCallTimeout);
    if (!event) {
      finished_ = finished_ || event.error().code == ErrorCode::kGone;
      return std::unexpected(event.error());
    }
    LLRUN_TRY_ASSIGN(const bool ours, wanted(*event));
    if (ours) return {};
    keep(*event);
  }
  return failure(ErrorCode::kTimeout, "thread " + std::to_string(tid().value) +
                                          " does not come back from an injected call");
}

Result<Registers> RemoteSyscalls::run(const Registers& start, std::span<const StubCall> calls,
                                      std::uint64_t end, bool single_step) {
  LLRUN_TRY(set_registers(*thread_, start));
  LLRUN_TRY(run_until(single_step ? step : resume, [&](const StopEvent& event) -> Result<bool> {
    if (!event.is<SeccompEvent>()) return is_our_trap(event, end);
    LLRUN_TRY(check_is_ours(calls));
    return false;
  }));
  return registers(*thread_);
}

// -1 as its number: the kernel skips it (seccomp(2), SECCOMP_RET_TRACE).
Result<> RemoteSyscalls::check_is_ours(std::span<const StubCall> calls) {
  LLRUN_TRY_ASSIGN(auto now, registers(*thread_));
  if (std::ranges::any_of(calls, [&](const StubCall& call) { return makes(now, call); })) return {};
  const auto number = std::exchange(now.orig_rax, kNoCall);
  LLRUN_TRY(set_registers(*thread_, now));
  return failure(ErrorCode::kUntrusted, "thread " + std::to_string(tid().value) + " makes call " +
                                            std::to_string(number) +
                                            " of its own where one is injected");
}

Result<Registers> RemoteSyscalls::run_call(const Registers& start) {
  LLRUN_TRY(set_registers(*thread_, start));
  LLRUN_TRY(run_until(resume_to_syscall, is_call_stop));  // before it
  LLRUN_TRY(run_until(resume_to_syscall, is_call_stop));  // and after
  in_call_ = true;
  return registers(*thread_);
}

Result<bool> RemoteSyscalls::is_our_trap(const StopEvent& event, std::uint64_t end) {
  const auto* signal = event.as<SignalDelivery>();
  if (signal == nullptr || signal->info.si_signo != SIGTRAP || signal->info.si_code <= 0)
    return false;
  LLRUN_TRY_ASSIGN(const auto now, registers(*thread_));
  return now.rip == end;
}

void RemoteSyscalls::keep(const StopEvent& event) {
  if (const auto* signal = event.as<SignalDelivery>())
    signals_.push_back(signal->info);
  else if (!event.is<EventStop>() && !event.is<GroupStop>() && !event.is<SeccompEvent>())
    events_.push_back(event);
}

std::vector<siginfo_t> RemoteSyscalls::take_signals() { return std::exchange(signals_, {}); }

std::vector<siginfo_t> RemoteSyscalls::take_traps() {
  std::vector<siginfo_t> traps;
  std::ranges::copy_if(signals_, std::back_inserter(traps), is_trap);
  std::erase_if(signals_, is_trap);
  return traps;
}

std::vector<StopEvent> RemoteSyscalls::take_events() { return std::exchange(events_, {}); }

Result<> queue_signal_to_thread(RemoteSyscalls& calls, const siginfo_t& info, RemoteAddr scratch) {
  LLRUN_TRY_ASSIGN(const auto own, calls.call(SYS_gettid));
  return queue_signal_to_thread(calls, GuestTid{static_cast<pid_t>(own)}, info, scratch);
}

Result<> queue_signal_to_thread(RemoteSyscalls& calls, GuestTid tid, const siginfo_t& info,
                                RemoteAddr scratch) {
  LLRUN_TRY(write_value(calls.pid(), scratch, info));
  LLRUN_TRY_ASSIGN(const auto process, calls.call(SYS_getpid));
  LLRUN_TRY(calls.call(SYS_rt_tgsigqueueinfo, process, tid.value, info.si_signo, scratch));
  return {};
}

Result<> queue_signal_to_process(RemoteSyscalls& calls, const siginfo_t& info, RemoteAddr scratch) {
  LLRUN_TRY(write_value(calls.pid(), scratch, info));
  LLRUN_TRY_ASSIGN(const auto process, calls.call(SYS_getpid));
  LLRUN_TRY(calls.call(SYS_rt_sigqueueinfo, process, info.si_signo, scratch));
  return {};
}

}  // namespace llrun::tracer
