#include "supervisor/job/child_signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace llrun {

Result<Fd> watch_child_signals(EventLoop& loop, std::function<void()> changed) {
  sigset_t children;
  ::sigemptyset(&children);
  ::sigaddset(&children, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &children, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  Fd signals(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return system_error("watch for child signals");
  LLRUN_TRY(loop.watch(signals.get(), EPOLLIN,
                       [number = signals.get(), changed = std::move(changed)](std::uint32_t) {
                         signalfd_siginfo info;
                         while (::read(number, &info, sizeof info) > 0) {
                         }
                         changed();
                       }));
  return signals;
}

}  // namespace llrun
