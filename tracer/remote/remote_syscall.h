// RemoteSyscalls: system calls made by a stopped tracee on our behalf.
//
// It borrows a stopped thread and gives it back as found: registers (orig_rax included, so that a
// call that the stop interrupted restarts) and signal mask; all signals but SIGTRAP are blocked
// meanwhile. finish() gives back; the destructor is the safety net. The code at the site may have
// been changed by a hostile tracee: what a filter of ours stops on the way (SECCOMP_RET_TRACE) is
// let through if it is the call that was asked for, to the last argument; else it is not made, and
// the error is kUntrusted. At a site that returns, the
// thread gives itself back if we are killed, wherever that happens. Source: ptrace(2);
// arch/x86/kernel/signal.c for restarting.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/ptrace/stop_event.h"
#include "tracer/ptrace/wait.h"
#include "tracer/remote/remote_memory.h"
#include "tracer/stub/stub.h"

namespace llrun::tracer {

// A `syscall` instruction in the tracee, and what comes after it.
struct SyscallSite {
  enum class After : std::uint8_t {
    kAnything,  // the instruction is single-stepped
    kTrap,      // one stop is enough for a call, and for many
    kReturn,    // the stub's returning code: a call has two stops
  };
  RemoteAddr address;
  After after = After::kAnything;
};
// One in the vdso, or, where that is hidden, in any other executable mapping of a file.
[[nodiscard]] Result<SyscallSite> find_syscall_site(HostPid pid);
// A place for the returning code: where such a mapping ends, behind its code. Nothing when all are
// full.
[[nodiscard]] Result<std::optional<RemoteAddr>> find_room_behind_code(HostPid pid);

class RemoteSyscalls {
 public:
  // `thread` must stay stopped and outlive this. `pid` is its process, for memory.
  [[nodiscard]] static Result<RemoteSyscalls> borrow(HostPid pid, const StoppedThread& thread,
                                                     SyscallSite site);
  RemoteSyscalls(RemoteSyscalls&& other) noexcept;
  RemoteSyscalls& operator=(RemoteSyscalls&&) = delete;
  ~RemoteSyscalls();

  // The call's value; -4095..-1 become a system_error that names the call. A call that is
  // interrupted is made again.
  template <typename... Args>
  [[nodiscard]] Result<std::uint64_t> call(long number, Args... arguments) {
    static_assert(sizeof...(Args) <= 6);
    const std::uint64_t values[6] = {as_argument(arguments)...};
    return call_with(number, values);
  }
  [[nodiscard]] Result<std::uint64_t> call_with(long number,
                                                std::span<const std::uint64_t> arguments);
  // Run calls one after another, whatever their results; these are left in `calls` as the kernel
  // gave them. Needs a site in a stub page: in one round trip, by way of `scratch`, where a trap
  // follows it; one after another where it returns.
  [[nodiscard]] Result<> call_all(std::span<StubCall> calls, RemoteAddr scratch);
  // A call after which the thread is no more (exit, exit_group). Returns its end.
  [[nodiscard]] Result<StopEvent> call_to_end(long number, std::uint64_t argument);
  // Only start it: the thread runs, and the caller waits. (The main thread's end is told only when
  // all other threads' ends have been seen.)
  [[nodiscard]] Result<> start_end(long number, std::uint64_t argument);

  // Change what finish() gives back.
  [[nodiscard]] const Registers& saved_registers() const { return saved_; }
  void give_back_registers(const Registers& registers) {
    LLRUN_CHECK(!returns(), "they are written down already");
    saved_ = registers;
  }
  [[nodiscard]] std::uint64_t saved_mask() const { return mask_; }
  void give_back_mask(std::uint64_t mask) {
    LLRUN_CHECK(!returns(), "it is written down already");
    mask_ = mask;
  }
  // Go on with another site, for example the stub page just mapped.
  void use_site(SyscallSite site) {
    LLRUN_CHECK(!returns() && site.after != SyscallSite::After::kReturn,
                "what returns is written down");
    site_ = site;
  }

  // Signals that arrived meanwhile although blocked (SIGSTOP and faults), or that cannot be blocked
  // where calls end by a trap (SIGTRAP). Dequeued: the caller sees to them, normally by
  // queue_signal() or by treating them as a SignalDelivery of his own. When the thread is given
  // back, a SIGSTOP that nobody has taken is sent again, and a SIGTRAP put back into its queue.
  [[nodiscard]] std::vector<siginfo_t> take_signals();
  [[nodiscard]] std::vector<siginfo_t> take_traps();  // SIGTRAPs alone
  // Events met meanwhile: clone, fork and exec events of injected calls.
  [[nodiscard]] std::vector<StopEvent> take_events();

  [[nodiscard]] HostPid pid() const { return pid_; }
  [[nodiscard]] HostTid tid() const { return thread_->tid(); }
  [[nodiscard]] const StoppedThread& thread() const { return *thread_; }

  // Give the thread back. Afterwards it is in a stop from which it may be resumed with signal 0.
  [[nodiscard]] Result<> finish();
  // Leave the thread as it is now: it has been given other registers by hand.
  [[nodiscard]] Result<> abandon();

 private:
  RemoteSyscalls(HostPid pid, const StoppedThread& thread, SyscallSite site)
      : pid_(pid), thread_(&thread), site_(site) {}
  template <typename T>
  static std::uint64_t as_argument(T value) {
    if constexpr (std::same_as<T, RemoteAddr>)
      return value.value;
    else
      return static_cast<std::uint64_t>(value);
  }
  [[nodiscard]] bool returns() const { return site_.after == SyscallSite::After::kReturn; }
  [[nodiscard]] Result<> settle();  // in a stop that belongs to no call, with nothing lost
  [[nodiscard]] Registers starting_at(std::uint64_t address) const;
  // What the kernel returns, once the call is not interrupted.
  [[nodiscard]] Result<std::uint64_t> call_through(long number,
                                                   std::span<const std::uint64_t> arguments);
  [[nodiscard]] Result<std::uint64_t> call_once(long number,
                                                std::span<const std::uint64_t> arguments);
  // Run from `start`, which makes `calls`, until the trap that leaves rip at `end`.
  [[nodiscard]] Result<Registers> run(const Registers& start, std::span<const StubCall> calls,
                                      std::uint64_t end, bool single_step);
  // A call that a filter stops for us: that it is one of those.
  [[nodiscard]] Result<> check_is_ours(std::span<const StubCall> calls);
  // Run from `start`, at a site that returns, until its call is done.
  [[nodiscard]] Result<Registers> run_call(const Registers& start);
  [[nodiscard]] Result<> prepare_return();
  // Resume with `go`, keeping what is met, until `wanted` says yes.
  template <typename Wanted>
  [[nodiscard]] Result<> run_until(Result<> (*go)(StoppedThread, int), Wanted wanted);
  [[nodiscard]] Result<bool> is_our_trap(const StopEvent& event, std::uint64_t end);
  void keep(const StopEvent& event);
  void stop_again();

  HostPid pid_;
  const StoppedThread* thread_;
  SyscallSite site_;
  Registers saved_{};
  std::uint64_t mask_ = 0;
  std::vector<siginfo_t> signals_;
  std::vector<StopEvent> events_;
  bool in_call_ = false;  // stopped where the kernel begins no call again
  bool finished_ = false;
};

// Bring a stopped thread, without letting it run, to a stop inside signal handling, from where
// alone the kernel begins a call again; what stepping has left in it is gone there.
// `signal`: with which it leaves the stop it is in.
[[nodiscard]] Result<> stop_anew(const StoppedThread& thread, int signal = 0);

// Queue `info` to the borrowed thread, any siginfo (rt_tgsigqueueinfo to oneself). `scratch`: 128
// bytes.
[[nodiscard]] Result<> queue_signal_to_thread(RemoteSyscalls& calls, const siginfo_t& info,
                                              RemoteAddr scratch);
// To another thread of its process.
[[nodiscard]] Result<> queue_signal_to_thread(RemoteSyscalls& calls, GuestTid tid,
                                              const siginfo_t& info, RemoteAddr scratch);
// The same to the process as a whole (rt_sigqueueinfo to oneself).
[[nodiscard]] Result<> queue_signal_to_process(RemoteSyscalls& calls, const siginfo_t& info,
                                               RemoteAddr scratch);

}  // namespace llrun::tracer
