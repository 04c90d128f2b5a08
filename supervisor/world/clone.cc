#include "supervisor/world/clone.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace llrun::world {

pid_t clone_process(const CloneRequest& request) {
  clone_args arguments{};
  arguments.flags = request.flags;
  // A sibling's exit signal is its maker's; asking for one is EINVAL (kernel/fork.c
  // clone3_args_valid).
  arguments.exit_signal = request.sibling ? 0 : SIGCHLD;
  if (request.sibling) arguments.flags |= CLONE_PARENT;
  if (request.pidfd != nullptr) {
    arguments.flags |= CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uint64_t>(request.pidfd);
  }
  if (request.pid != 0) {
    arguments.set_tid = reinterpret_cast<std::uint64_t>(&request.pid);
    arguments.set_tid_size = 1;
  }
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

}  // namespace llrun::world
