#include "tracer/objects/threads.h"

#include <elf.h>
#include <linux/prctl.h>
#include <linux/rseq.h>
#include <sys/syscall.h>

#include <cerrno>
#include <concepts>
#include <cstring>

#include "base/fd.h"
#include "tracer/arch/x86_64/restart.h"
#include "tracer/objects/signals.h"
#include "tracer/procfs/sched.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

// Until glibc's: struct sigaltstack of the kernel.
struct AltStack {
  std::uint64_t pointer = 0;
  std::int32_t flags = 0;
  std::uint32_t pad = 0;
  std::uint64_t size = 0;
};
constexpr std::int32_t kDisabled = SS_DISABLE;
constexpr auto kAutoDisarm = static_cast<std::int32_t>(1U << 31);  // SS_AUTODISARM
constexpr std::uint64_t kRobustListSize = 24;                      // struct robust_list_head

std::string read_name(HostPid pid, HostTid tid) {
  auto name = read_whole_file("/proc/" + std::to_string(pid.value) + "/task/" +
                              std::to_string(tid.value) + "/comm")
                  .value_or("");
  if (name.ends_with('\n')) name.pop_back();
  return name;
}

void put_bytes(std::string& into, std::span<const std::byte> bytes) {
  into.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<> capture_from_outside(const StoppedThread& token, const FrozenThread& frozen,
                              image::Thread& thread) {
  put_bytes(*thread.mutable_registers(), bytes_of(frozen.travelling));
  LLRUN_TRY_ASSIGN(const auto xstate, register_set(token, NT_X86_XSTATE));
  put_bytes(*thread.mutable_xstate(), xstate);
  thread.set_signal_mask(frozen.mask);
  if (frozen.signal) *thread.add_pending() = record_of_signal(*frozen.signal);
  LLRUN_TRY_ASSIGN(const auto pending, queued_signals(token, SignalQueue::kThread));
  for (const auto& info : pending) *thread.add_pending() = record_of_signal(info);
  thread.set_robust_list(frozen.robust.head);
  thread.set_robust_list_size(frozen.robust.size);
  thread.set_rseq_area(frozen.rseq.area);
  thread.set_rseq_size(frozen.rseq.size);
  thread.set_rseq_signature(frozen.rseq.signature);
  if (frozen.sleep_remaining) thread.set_sleep_remaining(*frozen.sleep_remaining);
  return {};
}

Result<> capture_by_calls(RemoteSyscalls& calls, RemoteArena arena, image::Thread& thread) {
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto tid_address, batch.arena().put_value(std::uint64_t{0}));
  LLRUN_TRY_ASSIGN(const auto stack_at, batch.arena().put_value(AltStack{}));
  const auto tid = batch.add(SYS_gettid);
  batch.add(SYS_prctl, PR_GET_TID_ADDRESS, tid_address, 0, 0, 0);
  batch.add(SYS_sigaltstack, 0, stack_at);
  const auto slack = batch.add(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
  LLRUN_TRY(batch.run_all_must_succeed("read a thread's state"));
  thread.set_tid(static_cast<std::int32_t>(batch.result(tid)));
  thread.set_timer_slack(batch.result(slack));
  LLRUN_TRY_ASSIGN(const auto address, batch.read<std::uint64_t>(tid_address));
  thread.set_clear_child_tid(address);
  LLRUN_TRY_ASSIGN(const auto stack, batch.read<AltStack>(stack_at));
  thread.set_altstack_pointer(stack.pointer);
  thread.set_altstack_size(stack.size);
  thread.set_altstack_flags(stack.flags);
  return {};
}

AltStack alt_stack_of(const image::Thread& thread) {
  const auto flags = thread.altstack_flags();
  if ((flags & kDisabled) != 0 || thread.altstack_size() == 0) return {0, kDisabled, 0, 0};
  return {thread.altstack_pointer(), flags & kAutoDisarm, 0, thread.altstack_size()};
}

std::span<const std::byte> xstate_of(const image::Thread& thread) {
  return std::as_bytes(std::span(thread.xstate().data(), thread.xstate().size()));
}

// Put the time that is left into the call's timeout: in the register, or in memory that it is
// pointed at.
Result<> shorten_timeout(std::uint64_t number, const image::Thread& thread, RemoteArena arena,
                         Registers& registers) {
  const auto argument = timeout_argument(number, registers);
  const std::uint64_t left = thread.sleep_remaining();
  if (argument.form == TimeoutForm::kMilliseconds)
    registers.*argument.where = in_milliseconds(left);
  if (argument.form != TimeoutForm::kTimespec) return {};
  const timespec time{static_cast<time_t>(left / 1'000'000'000),
                      static_cast<long>(left % 1'000'000'000)};
  LLRUN_TRY_ASSIGN(const auto place, arena.put_value(time));
  registers.*argument.where = place.value;
  return {};
}

// How a stop at a system call shows without PTRACE_O_TRACESYSGOOD.
bool is_plain_call_stop(const StopEvent& event) {
  const auto* signal = event.as<SignalDelivery>();
  return signal != nullptr && signal->info.si_signo == SIGTRAP && signal->info.si_code == SIGTRAP;
}

// Run until a stop is of the wanted kind; other stops on the way are passed over.
template <typename Kind>
Result<> run_to(HostTid tid, Result<> (*go)(StoppedThread, int)) {
  constexpr int kMaxStops = 100;
  for (int i = 0; i < kMaxStops; ++i) {
    LLRUN_TRY(go(StoppedThread::seen_stopped(tid), 0));
    LLRUN_TRY_ASSIGN(const auto event, next_stop(tid));
    if (event.template is<Kind>() || (std::same_as<Kind, SyscallStop> && is_plain_call_stop(event)))
      return {};
  }
  return failure(ErrorCode::kTimeout, "a sleeping call cannot be begun again");
}

Registers before_call(Registers registers) {
  registers.rip -= 2;
  registers.rax = registers.orig_rax;
  registers.orig_rax = static_cast<unsigned long long>(-1);
  return registers;
}

// Make the kernel sleep in the same call for what is left of its time: enter the call, and
// interrupt it before it can sleep. It leaves with a restart block that belongs to this kernel; the
// registers are then those of the original again. False: there is nothing to sleep in any more.
Result<bool> begin_sleep_again(const StoppedThread& token, const image::Thread& thread,
                               RemoteArena arena, Registers& original) {
  auto registers = before_call(original);
  const auto number = registers.rax;
  LLRUN_TRY(shorten_timeout(number, thread, arena, registers));
  LLRUN_TRY(set_registers(token, registers));
  LLRUN_TRY(run_to<SyscallStop>(token.tid(), resume_to_syscall));
  LLRUN_TRY(interrupt(token.tid()));
  LLRUN_TRY(run_to<EventStop>(token.tid(), resume));
  LLRUN_TRY_ASSIGN(const auto after, tracer::registers(token));
  if (sleeps_with_restart_block(after)) return true;
  if (is_restart_code(after.rax)) {
    // It did not get as far as its sleep: a filter hands it to a supervisor (poll of home's input).
    original = before_call(original);
    return true;
  }
  // The call has ended at once: a time of nothing left, a futex that has another value.
  original.rax = after.rax;
  original.orig_rax = static_cast<unsigned long long>(-1);
  return false;
}

std::uint64_t nanoseconds_now() { return static_cast<std::uint64_t>(monotonic_now().count()); }

// In its call, or before it: as the call itself shows it.
Registers in_its_call(const Registers& registers) {
  if (is_restart_code(registers.rax)) return registers;
  auto call = registers;
  call.rip += 2;
  call.orig_rax = registers.rax;
  return call;
}

}  // namespace

Result<image::Thread> capture_thread(Freeze& freeze, const FrozenThread& frozen) {
  image::Thread thread;
  thread.set_name(read_name(freeze.pid(), frozen.tid));
  LLRUN_TRY(capture_from_outside(freeze.thread_set().stopped(frozen.tid), frozen, thread));
  LLRUN_TRY_ASSIGN(auto calls, freeze.calls(frozen.tid));
  LLRUN_TRY(capture_by_calls(calls, freeze.arena(), thread));
  LLRUN_TRY(calls.finish());
  return thread;
}

Result<> restore_thread_state(RemoteSyscalls& calls, RemoteArena arena,
                              const image::Thread& thread) {
  LLRUN_TRY_ASSIGN(const auto rseq, rseq_configuration(calls.thread()));
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto name, batch.arena().put_string(thread.name()));
  LLRUN_TRY_ASSIGN(const auto stack, batch.arena().put_value(alt_stack_of(thread)));
  batch.add(SYS_prctl, PR_SET_NAME, name, 0, 0, 0);
  batch.add(SYS_sigaltstack, stack, 0);
  batch.add(SYS_prctl, PR_SET_TIMERSLACK, thread.timer_slack(), 0, 0, 0);
  batch.add(SYS_set_tid_address, thread.clear_child_tid());
  if (thread.robust_list_size() != 0)
    batch.add(SYS_set_robust_list, thread.robust_list(), thread.robust_list_size());
  // It may have it still, where it could not be cleared.
  if (thread.rseq_area() != 0 && thread.rseq_area() != rseq.area)
    batch.add(SYS_rseq, thread.rseq_area(), thread.rseq_size(), 0, thread.rseq_signature());
  LLRUN_TRY(batch.run_all_must_succeed("restore a thread's state"));
  return queue_to_thread(calls, arena, thread.pending());
}

Result<> clear_thread_state(RemoteSyscalls& calls, RemoteArena arena) {
  LLRUN_TRY_ASSIGN(const auto rseq, rseq_configuration(calls.thread()));
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto stack, batch.arena().put_value(AltStack{0, kDisabled, 0, 0}));
  if (rseq.area != 0)
    batch.add(SYS_rseq, rseq.area, rseq.size, RSEQ_FLAG_UNREGISTER, rseq.signature);
  batch.add(SYS_set_robust_list, 0, kRobustListSize);
  batch.add(SYS_set_tid_address, 0);
  batch.add(SYS_sigaltstack, stack, 0);
  return batch.run_all_must_succeed("clear a thread's state");
}

Result<Registers> registers_of(const image::Thread& thread) {
  Registers registers{};
  if (thread.registers().size() != sizeof registers)
    return failure(ErrorCode::kProtocol, "the registers of a thread have the wrong size");
  std::memcpy(&registers, thread.registers().data(), sizeof registers);
  return registers;
}

Result<> restore_registers(HostPid pid, const StoppedThread& token, const image::Thread& thread,
                           RemoteArena arena, Sleeps& sleeps) {
  LLRUN_TRY_ASSIGN(auto registers, registers_of(thread));
  Sleep sleep{in_its_call(registers), std::nullopt};
  if (thread.has_sleep_remaining()) sleep.until = nanoseconds_now() + thread.sleep_remaining();
  bool sleeping = sleep.until.has_value();
  LLRUN_TRY(set_register_set(token, NT_X86_XSTATE, xstate_of(thread)));
  LLRUN_TRY(set_signal_mask(token, ~std::uint64_t{0}));
  if (sleeps_with_restart_block(registers)) {
    LLRUN_TRY_ASSIGN(sleeping, begin_sleep_again(token, thread, arena, registers));
  }
  LLRUN_TRY(set_registers(token, registers));
  LLRUN_TRY(set_signal_mask(token, thread.signal_mask()));
  if (sleeping) sleeps.know(pid, token.tid(), sleep);
  return {};
}

}  // namespace llrun::tracer
