// Interrupted system calls: the registers a thread was found with, made fit to go on anywhere.
//
// A thread stopped inside a system call shows orig_rax = the call's number and rax = a restart
// code, which the kernel that resumes it acts upon (arch/x86/kernel/signal.c,
// arch_do_signal_or_restart):
//   -512, -513, -514  the call is made again, or ends with EINTR when a handler runs: travels as
//   found -516              the kernel goes on with a restart block of its own, which does not
//   travel: the call is
//                     begun again with the time that was left (restore, restart_sleep.h)
//   -EINTR            of calls that return it on a mere stop, with no signal to handle: turned into
//   -514
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {

inline constexpr std::int64_t kRestartNoHandler = -514;  // ERESTARTNOHAND, include/linux/errno.h
inline constexpr std::int64_t kRestartBlock = -516;      // ERESTART_RESTARTBLOCK
inline constexpr std::uint64_t kRestartSyscall = 219;    // the number of restart_syscall(2)

// rax of a call that was interrupted and is to be made again, by the kernel or by whoever restores
// it.
[[nodiscard]] constexpr bool is_restart_code(std::uint64_t rax) {
  const auto value = static_cast<std::int64_t>(rax);
  return value <= -512 && value >= kRestartBlock;
}

// Whether the thread is inside a system call, or has just come back from one.
[[nodiscard]] bool in_system_call(const Registers& registers);
[[nodiscard]] bool sleeps_with_restart_block(const Registers& registers);

// The registers of a thread at a stop in which an interrupted call is dealt with: an EINTR that a
// mere stop has caused becomes -514, which is EINTR all the same where a signal's handler runs.
[[nodiscard]] Registers without_interruption(const Registers& found);

// After one restart the kernel shows the number of restart_syscall and the call's own is
// lost. The instruction before `syscall` is nearly always `mov $number, %eax`: `code` are the 7
// bytes up to rip.
[[nodiscard]] std::optional<std::uint64_t> number_before_syscall(std::span<const std::byte> code);

// Whether the instruction that begins there is a way into the kernel: syscall, sysenter or int,
// behind whatever prefixes. `code`: the 15 bytes that an instruction may have, or fewer.
[[nodiscard]] bool makes_system_call(std::span<const std::byte> code);

// Which argument register of a sleeping call holds its relative timeout, and in what form.
enum class TimeoutForm : std::uint8_t { kNone, kMilliseconds, kTimespec, kTimeval };
struct TimeoutArgument {
  TimeoutForm form = TimeoutForm::kNone;
  unsigned long long Registers::*where = nullptr;
};
// Of calls that are begun again with another timeout: nanosleep, clock_nanosleep, futex, poll
// (restart block), and those that end with EINTR on a mere stop. None: no timeout, or a time of
// day.
[[nodiscard]] TimeoutArgument timeout_argument(std::uint64_t number, const Registers& registers);

// Calls into whose timeout the kernel writes what is left of it whenever they are interrupted.
[[nodiscard]] bool tells_time_left(std::uint64_t number);

// Where nanosleep and its like have written what is left of their time when they were interrupted;
// 0: nowhere. It may be the very place of the timeout.
[[nodiscard]] std::uint64_t remainder_argument(std::uint64_t number, const Registers& registers);

}  // namespace llrun::tracer
