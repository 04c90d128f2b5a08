#include "supervisor/home/waking.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace llrun {
namespace {

constexpr long kMoment_ns = 1'000'000;

}  // namespace

Result<std::unique_ptr<Waking>> Waking::create(EventLoop& loop, HostPid program,
                                               std::function<void()> woken) {
  clockid_t clock = 0;
  if (const int error = ::clock_getcpuclockid(program.value, &clock); error != 0) {
    errno = error;
    return system_error("find a program's CPU clock");
  }
  sigset_t own;
  ::sigemptyset(&own);
  ::sigaddset(&own, SIGRTMIN);
  ::pthread_sigmask(SIG_BLOCK, &own, nullptr);
  Fd signals(::signalfd(-1, &own, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return system_error("wait for a program to wake");
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGRTMIN;
  event._sigev_un._tid = ::gettid();
  timer_t timer{};
  if (::timer_create(clock, &event, &timer) != 0)
    return system_error("make a timer of a program's CPU clock");
  std::unique_ptr<Waking> waking(new Waking(loop, std::move(signals), timer));
  LLRUN_TRY(loop.watch(waking->signals_.get(), EPOLLIN,
                       [number = waking->signals_.get(), woken = std::move(woken)](std::uint32_t) {
                         signalfd_siginfo info;
                         bool any = false;
                         while (::read(number, &info, sizeof info) > 0) any = true;
                         if (any) woken();
                       }));
  return waking;
}

Waking::~Waking() {
  ::timer_delete(timer_);
  loop_.unwatch(signals_.get());
}

void Waking::arm() {
  const itimerspec soon{{0, 0}, {0, kMoment_ns}};
  ::timer_settime(timer_, 0, &soon, nullptr);  // fails only for one that has ended
}

void Waking::disarm() {
  const itimerspec never{};
  ::timer_settime(timer_, 0, &never, nullptr);
}

}  // namespace llrun
