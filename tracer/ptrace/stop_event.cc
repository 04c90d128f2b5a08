#include "tracer/ptrace/stop_event.h"

#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <csignal>

#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {
namespace {

StopKind decode_event(HostTid tid, int event, int signal) {
  const std::uint64_t message = event_message(tid).value_or(0);
  const auto id = static_cast<pid_t>(message);
  switch (event) {
    case PTRACE_EVENT_CLONE:
      return CloneEvent{HostTid{id}};
    case PTRACE_EVENT_FORK:
      return ForkEvent{false, HostPid{id}};
    case PTRACE_EVENT_VFORK:
      return ForkEvent{true, HostPid{id}};
    case PTRACE_EVENT_VFORK_DONE:
      return VforkDone{};
    case PTRACE_EVENT_EXEC:
      return ExecEvent{HostTid{id}};
    case PTRACE_EVENT_EXIT:
      return ExitEvent{static_cast<int>(message)};
    case PTRACE_EVENT_SECCOMP:
      return SeccompEvent{static_cast<std::uint16_t>(message)};
    default:
      break;
  }
  if (signal == SIGTRAP) return EventStop{};
  return GroupStop{signal};
}

StopKind decode_signal(HostTid tid, int signal) {
  SignalDelivery delivery;
  delivery.info.si_signo = signal;
  if (auto info = signal_info(tid)) delivery.info = *info;
  return delivery;
}

struct Describe {
  std::string operator()(const Exited& e) const {
    return "exited with " + std::to_string(e.status);
  }
  std::string operator()(const Killed& e) const {
    return "was killed by signal " + std::to_string(e.signal);
  }
  std::string operator()(const SignalDelivery& e) const {
    return "is about to get signal " + std::to_string(e.info.si_signo);
  }
  std::string operator()(const GroupStop& e) const {
    return "is stopped by signal " + std::to_string(e.signal);
  }
  std::string operator()(const EventStop&) const { return "stopped"; }
  std::string operator()(const CloneEvent& e) const {
    return "made thread " + std::to_string(e.child.value);
  }
  std::string operator()(const ForkEvent& e) const {
    return "made process " + std::to_string(e.child.value);
  }
  std::string operator()(const VforkDone&) const { return "got its memory back after vfork"; }
  std::string operator()(const ExecEvent&) const { return "runs a new program"; }
  std::string operator()(const ExitEvent&) const { return "is about to end"; }
  std::string operator()(const SeccompEvent&) const { return "stopped at a filtered system call"; }
  std::string operator()(const SyscallStop&) const { return "stopped at a system call"; }
};

}  // namespace

StopKind exit_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) return Killed{WTERMSIG(wait_status), WCOREDUMP(wait_status) != 0};
  return Exited{WEXITSTATUS(wait_status)};
}

StopEvent decode_stop(HostTid tid, int wait_status) {
  if (!WIFSTOPPED(wait_status)) return {tid, exit_of(wait_status)};
  const int signal = WSTOPSIG(wait_status);
  const int event = wait_status >> 16;
  if (event != 0) return {tid, decode_event(tid, event, signal)};
  if (signal == (SIGTRAP | 0x80)) return {tid, SyscallStop{}};  // PTRACE_O_TRACESYSGOOD
  return {tid, decode_signal(tid, signal)};
}

std::string describe(const StopEvent& event) {
  return "thread " + std::to_string(event.tid.value) + " " + std::visit(Describe{}, event.what);
}

}  // namespace llrun::tracer
