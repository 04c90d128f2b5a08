// SigpipeGuard: while it lives, a write of this thread to a pipe without readers is EPIPE and
// nothing else. A library may not change the process's disposition of SIGPIPE, and pipes have no
// MSG_NOSIGNAL.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

namespace llrun {

class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe(), &former_);
  }
  ~SigpipeGuard() {
    const int kept_errno = errno;  // of the write that was guarded
    const timespec none{};
    if (!was_pending_ && broken_) sigtimedwait(&sigpipe(), nullptr, &none);
    pthread_sigmask(SIG_SETMASK, &former_, nullptr);
    errno = kept_errno;
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  void saw_epipe() { broken_ = true; }

 private:
  static const sigset_t& sigpipe() {
    static const sigset_t set = [] {
      sigset_t made;
      sigemptyset(&made);
      sigaddset(&made, SIGPIPE);
      return made;
    }();
    return set;
  }
  sigset_t former_{};
  bool was_pending_ = false, broken_ = false;
};

}  // namespace llrun
