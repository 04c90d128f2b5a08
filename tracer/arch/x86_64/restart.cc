#include "tracer/arch/x86_64/restart.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace llrun::tracer {
namespace {

// Calls that return EINTR when a tracer stops the thread, though no handler runs (signal(7),
// "Interruption of system calls and library functions by stop signals"). The socket calls do only
// with a timeout set, those of the select family only where the kernel cannot write the rest of
// their time back (fs/select.c, poll_select_finish: read-only memory, STICKY_TIMEOUTS).
constexpr long kIoPgetevents = 333;
constexpr long kEpollPwait2 = 441;
constexpr auto kInterruptedByStop = std::to_array<long>({SYS_epoll_wait,
                                                         SYS_epoll_pwait,
                                                         kEpollPwait2,
                                                         SYS_ppoll,
                                                         SYS_select,
                                                         SYS_pselect6,
                                                         SYS_rt_sigtimedwait,
                                                         SYS_semop,
                                                         SYS_semtimedop,
                                                         SYS_io_getevents,
                                                         kIoPgetevents,
                                                         SYS_recvfrom,
                                                         SYS_recvmsg,
                                                         SYS_recvmmsg,
                                                         SYS_accept,
                                                         SYS_accept4,
                                                         SYS_connect,
                                                         SYS_sendto,
                                                         SYS_sendmsg,
                                                         SYS_sendmmsg,
                                                         SYS_read,
                                                         SYS_readv,
                                                         SYS_write,
                                                         SYS_writev,
                                                         426L /* io_uring_enter */,
                                                         SYS_msgrcv,
                                                         SYS_msgsnd,
                                                         SYS_futex,
                                                         449L /* futex_waitv */});

bool is_interrupted_by_stop(std::uint64_t number) {
  return std::ranges::find(kInterruptedByStop, static_cast<long>(number)) !=
         kInterruptedByStop.end();
}

bool has_relative_timeout(const Registers& registers) {
  const auto command = registers.rsi & static_cast<unsigned>(FUTEX_CMD_MASK);
  return command == FUTEX_WAIT && registers.r10 != 0;
}

}  // namespace

bool in_system_call(const Registers& registers) {
  return static_cast<std::int64_t>(registers.orig_rax) >= 0;
}

bool sleeps_with_restart_block(const Registers& registers) {
  return in_system_call(registers) && static_cast<std::int64_t>(registers.rax) == kRestartBlock;
}

Registers without_interruption(const Registers& found) {
  auto registers = found;
  if (in_system_call(found) && static_cast<std::int64_t>(found.rax) == -EINTR &&
      is_interrupted_by_stop(found.orig_rax))
    registers.rax = static_cast<unsigned long long>(kRestartNoHandler);
  return registers;
}

std::optional<std::uint64_t> number_before_syscall(std::span<const std::byte> code) {
  // b8 imm32: mov $imm32, %eax; 0f 05: syscall
  if (code.size() != 7 || code[0] != std::byte{0xb8} || code[5] != std::byte{0x0f} ||
      code[6] != std::byte{0x05})
    return std::nullopt;
  std::uint32_t number = 0;
  std::memcpy(&number, code.data() + 1, sizeof number);
  return number;
}

bool tells_time_left(std::uint64_t number) {
  return number == SYS_ppoll || number == SYS_select || number == SYS_pselect6;
}

std::uint64_t remainder_argument(std::uint64_t number, const Registers& registers) {
  if (number == SYS_nanosleep) return registers.rsi;
  if (number == SYS_clock_nanosleep && (registers.rsi & TIMER_ABSTIME) == 0) return registers.r10;
  return 0;
}

namespace {

TimeoutArgument in_memory(TimeoutForm form, unsigned long long Registers::*where,
                          const Registers& registers) {
  if (registers.*where == 0) return {};
  return {form, where};
}

}  // namespace

// Intel's manual, volume 2, "Instruction format": legacy prefixes, and REX (40 to 4F).
bool makes_system_call(std::span<const std::byte> code) {
  constexpr std::string_view kPrefixes = "\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3";
  constexpr std::byte kInt{0xcd}, kTwoBytes{0x0f}, kSyscall{0x05}, kSysenter{0x34};
  const auto is_prefix = [&](std::byte byte) {
    return (byte & std::byte{0xf0}) == std::byte{0x40} ||
           kPrefixes.find(std::to_integer<char>(byte)) != std::string_view::npos;
  };
  while (!code.empty() && is_prefix(code.front())) code = code.subspan(1);
  if (code.empty()) return false;
  if (code[0] == kInt) return true;
  return code.size() > 1 && code[0] == kTwoBytes && (code[1] == kSyscall || code[1] == kSysenter);
}

TimeoutArgument timeout_argument(std::uint64_t number, const Registers& registers) {
  switch (number) {
    case SYS_nanosleep:
      return {TimeoutForm::kTimespec, &Registers::rdi};
    case SYS_clock_nanosleep:
      if ((registers.rsi & TIMER_ABSTIME) != 0) return {};
      return {TimeoutForm::kTimespec, &Registers::rdx};
    case SYS_futex:
      if (!has_relative_timeout(registers)) return {};
      return {TimeoutForm::kTimespec, &Registers::r10};
    case SYS_poll:
      if (static_cast<int>(registers.rdx) < 0) return {};
      return {TimeoutForm::kMilliseconds, &Registers::rdx};
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
      if (static_cast<int>(registers.r10) <= 0) return {};
      return {TimeoutForm::kMilliseconds, &Registers::r10};
    case SYS_rt_sigtimedwait:
    case SYS_ppoll:
      return in_memory(TimeoutForm::kTimespec, &Registers::rdx, registers);
    case SYS_semtimedop:
    case kEpollPwait2:
      return in_memory(TimeoutForm::kTimespec, &Registers::r10, registers);
    case SYS_io_getevents:
    case kIoPgetevents:
    case SYS_pselect6:
      return in_memory(TimeoutForm::kTimespec, &Registers::r8, registers);
    case SYS_select:
      return in_memory(TimeoutForm::kTimeval, &Registers::r8, registers);
    default:
      return {};
  }
}

}  // namespace llrun::tracer
