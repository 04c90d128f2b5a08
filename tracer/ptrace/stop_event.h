// StopEvent: what a wait status of a traced thread means, decoded once, at the door.
//
// Source: ptrace(2), "Attaching and detaching", "Stopped states"; waitpid(2). For threads seized
// with PTRACE_SEIZE: there are no SIGTRAP tricks of PTRACE_ATTACH to be told apart.
#pragma once

#include <signal.h>

#include <cstdint>
#include <string>
#include <variant>

#include "base/ids.h"

namespace llrun::tracer {

struct Exited {
  int status = 0;  // 0..255
};
struct Killed {
  int signal = 0;
  bool core = false;
};
struct SignalDelivery {  // the signal is dequeued; resuming with its number delivers it
  siginfo_t info{};
};
struct GroupStop {  // the whole process is stopped by this signal (job control)
  int signal = 0;
};
struct EventStop {};  // by PTRACE_INTERRUPT, the first stop of a new thread, or SIGCONT
struct CloneEvent {
  HostTid child;  // in our pid namespace
};
struct ForkEvent {
  bool vfork = false;
  HostPid child;
};
struct VforkDone {};
struct ExecEvent {
  HostTid former;  // the thread that called execve; it now has the id of the process
};
struct ExitEvent {  // about to end; registers and memory are still there
  int status = 0;   // a wait status: decode with exit_of()
};
struct SeccompEvent {
  std::uint16_t data = 0;  // SECCOMP_RET_DATA of the filter
};
struct SyscallStop {};

using StopKind =
    std::variant<Exited, Killed, SignalDelivery, GroupStop, EventStop, CloneEvent, ForkEvent,
                 VforkDone, ExecEvent, ExitEvent, SeccompEvent, SyscallStop>;

struct StopEvent {
  HostTid tid;
  StopKind what;

  template <typename Kind>
  [[nodiscard]] const Kind* as() const {
    return std::get_if<Kind>(&what);
  }
  template <typename Kind>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<Kind>(what);
  }
  [[nodiscard]] bool ended() const { return is<Exited>() || is<Killed>(); }
};

// Decode what waitpid said of `tid`. Asks the kernel for the event's message and siginfo: a thread
// that is killed meanwhile gives default values, and its end is the next event.
[[nodiscard]] StopEvent decode_stop(HostTid tid, int wait_status);
// The Exited or Killed that a status of an ended process means.
[[nodiscard]] StopKind exit_of(int wait_status);
[[nodiscard]] std::string describe(const StopEvent& event);

}  // namespace llrun::tracer
