// The listening end of a guest's filter: notified system calls come in, answers go out.
//
// A notification is valid until it is answered, or until its thread is interrupted by a signal or
// dies: then every answer is kGone. See seccomp_unotify(2).
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "tracer/calls/conditions.h"

namespace llrun {

struct NotifiedCall {
  std::uint64_t id = 0;    // the kernel's name for this notification
  HostTid thread;          // as the caller's pid namespace sees it; 0 if it cannot
  std::uint32_t arch = 0;  // AUDIT_ARCH_*; anything but AUDIT_ARCH_X86_64 is a foreign entry
  std::uint32_t number = 0;
  CallArgs args{};
  std::uint64_t instruction_pointer = 0;  // after the syscall instruction
};

class Notifier {
 public:
  // Takes the listener and sets synchronous wake-up where the kernel has it (6.6).
  [[nodiscard]] static Result<Notifier> create(Fd listener);

  // For epoll: EPOLLIN when receive() will not wait; EPOLLHUP when no thread has the filter any
  // more.
  [[nodiscard]] int fd() const { return listener_.get(); }
  [[nodiscard]] bool wakes_synchronously() const { return synchronous_; }

  // The next call; waits for one. kGone: the thread was interrupted meanwhile, or all have ended:
  // ask again after the next EPOLLIN.
  [[nodiscard]] Result<NotifiedCall> receive() const;

  // The call returns `value`.
  [[nodiscard]] Result<> answer(std::uint64_t id, std::int64_t value) const;
  // The call fails with `errno_value`. The kernel's own restart codes (512…516) are allowed, but
  // only while a signal or a ptrace interruption is pending, else the program would see them.
  [[nodiscard]] Result<> answer_error(std::uint64_t id, int errno_value) const;
  // The call runs natively after all. Its arguments in memory may have changed since they were
  // looked at.
  [[nodiscard]] Result<> answer_continue(std::uint64_t id) const;

  // Whether the thread still waits: to be asked after its memory has been read.
  [[nodiscard]] bool still_valid(std::uint64_t id) const;

 private:
  Notifier(Fd listener, bool synchronous);
  [[nodiscard]] Result<> send(std::uint64_t id, std::int64_t value, int error,
                              std::uint32_t flags) const;
  Fd listener_;
  bool synchronous_ = false;
};

}  // namespace llrun
