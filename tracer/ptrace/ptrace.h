// The only place that calls ptrace(2): thin wrappers, one for each request used.
//
// All requests must come from the one OS thread that seized the tracee. A tracee that is gone
// (killed while stopped, say) is ErrorCode::kGone and can follow any call. Registers and memory may
// be touched only while the thread is stopped; StoppedThread is the proof of that, and is consumed
// by what resumes it.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// A thread seen stopped by the waiter (wait.h, ThreadSet). Move-only: consumed by resuming.
class StoppedThread {
 public:
  // For whoever decodes wait statuses himself (an event loop on SIGCHLD): it promises that the
  // thread is in a ptrace stop and that nobody else holds a token of it.
  [[nodiscard]] static StoppedThread seen_stopped(HostTid tid) { return StoppedThread(tid); }
  StoppedThread(StoppedThread&& other) noexcept : tid_(std::exchange(other.tid_, HostTid{})) {}
  StoppedThread& operator=(StoppedThread&& other) noexcept {
    tid_ = std::exchange(other.tid_, HostTid{});
    return *this;
  }
  [[nodiscard]] HostTid tid() const { return tid_; }

 private:
  explicit StoppedThread(HostTid tid) : tid_(tid) {}
  HostTid tid_;
};

using Registers = user_regs_struct;

// PTRACE_SEIZE; `options` are PTRACE_O_*. The thread runs on.
[[nodiscard]] Result<> seize(HostTid tid, unsigned options);
[[nodiscard]] Result<> set_options(const StoppedThread& thread, unsigned options);
// PTRACE_INTERRUPT: an EventStop follows (at once, or when the thread next enters the kernel's
// signal path).
[[nodiscard]] Result<> interrupt(HostTid tid);

// `signal` is delivered only from a SignalDelivery stop; elsewhere the kernel ignores it.
[[nodiscard]] Result<> resume(StoppedThread thread, int signal = 0);             // PTRACE_CONT
[[nodiscard]] Result<> resume_to_syscall(StoppedThread thread, int signal = 0);  // PTRACE_SYSCALL
[[nodiscard]] Result<> step(StoppedThread thread, int signal = 0);  // PTRACE_SINGLESTEP
[[nodiscard]] Result<> listen(StoppedThread thread);  // stay in the group stop, be told of SIGCONT
[[nodiscard]] Result<> detach(StoppedThread thread, int signal = 0);

[[nodiscard]] Result<Registers> registers(const StoppedThread& thread);
[[nodiscard]] Result<> set_registers(const StoppedThread& thread, const Registers& registers);
// NT_X86_XSTATE and other register sets by note type.
[[nodiscard]] Result<std::vector<std::byte>> register_set(const StoppedThread& thread,
                                                          unsigned type);
[[nodiscard]] Result<> set_register_set(const StoppedThread& thread, unsigned type,
                                        std::span<const std::byte> bytes);

// Bit n-1 stands for signal n. Reading gives the mask that counts after a sigsuspend-like call has
// ended.
[[nodiscard]] Result<std::uint64_t> signal_mask(const StoppedThread& thread);
[[nodiscard]] Result<> set_signal_mask(const StoppedThread& thread, std::uint64_t mask);
enum class SignalQueue { kThread, kProcess };
[[nodiscard]] Result<std::vector<siginfo_t>> queued_signals(const StoppedThread& thread,
                                                            SignalQueue queue);
// The siginfo of a SignalDelivery stop.
[[nodiscard]] Result<siginfo_t> signal_info(HostTid tid);
[[nodiscard]] Result<> set_signal_info(const StoppedThread& thread, const siginfo_t& info);

struct RseqConfiguration {  // linux/ptrace.h, struct ptrace_rseq_configuration
  std::uint64_t area = 0;   // 0: not registered
  std::uint32_t size = 0;
  std::uint32_t signature = 0;
  std::uint32_t flags = 0;
  std::uint32_t pad = 0;
};
[[nodiscard]] Result<RseqConfiguration> rseq_configuration(const StoppedThread& thread);

struct RobustList {
  std::uint64_t head = 0;
  std::uint64_t size = 0;
};
[[nodiscard]] Result<RobustList> robust_list(const StoppedThread& thread);  // get_robust_list(2)

// PTRACE_GETEVENTMSG of the stop the thread is in.
[[nodiscard]] Result<std::uint64_t> event_message(HostTid tid);

}  // namespace llrun::tracer
