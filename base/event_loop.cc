#include "base/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/slow_tasks.h"

namespace llrun {

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  loop->epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!loop->epoll_.valid()) return system_error("create an epoll instance");
  loop->wakeup_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!loop->wakeup_.valid()) return system_error("create an eventfd");
  auto* raw = loop.get();
  LLRUN_TRY(loop->watch(raw->wakeup_.get(), EPOLLIN, [raw](std::uint32_t) { raw->run_posted(); }));
  return loop;
}

EventLoop::~EventLoop() = default;

Result<> EventLoop::watch(int fd, std::uint32_t events, Handler handler, Given given) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return system_error("watch a descriptor");
  watches_[fd] = std::make_shared<Watch>(Watch{std::move(handler), given});
  return {};
}

Result<> EventLoop::change(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
    return system_error("change the watch of a descriptor");
  return {};
}

void EventLoop::unwatch(int fd) {
  if (watches_.erase(fd) == 0) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::after(Clock::duration delay, Task task, Given given) {
  const TimerId id = next_timer_++;
  timers_.emplace(Clock::now() + delay, Timer{id, Clock::duration::zero(),
                                              std::make_shared<Task>(std::move(task)), given});
  return id;
}

EventLoop::TimerId EventLoop::every(Clock::duration period, Task task, Given given) {
  const TimerId id = next_timer_++;
  timers_.emplace(Clock::now() + period,
                  Timer{id, period, std::make_shared<Task>(std::move(task)), given});
  return id;
}

void EventLoop::cancel(TimerId timer) {
  if (timer == running_timer_) running_timer_cancelled_ = true;
  std::erase_if(timers_, [timer](const auto& entry) { return entry.second.id == timer; });
}

void EventLoop::post(Task task, Given given) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back({std::move(task), given});
  }
  const std::uint64_t one = 1;
  // The counter cannot overflow in practice, and a full one wakes the loop just as well.
  [[maybe_unused]] const ssize_t written = ::write(wakeup_.get(), &one, sizeof one);
}

void EventLoop::stop() {
  post([this] { stopping_ = true; });
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wakeup_.get(), &count, sizeof count);
  std::vector<Posted> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (auto& posted : tasks) {
    const SlowTasks::Around around("posted task", posted.given);
    posted.task();
  }
}

int EventLoop::milliseconds_to_next_timer() const {
  if (timers_.empty()) return -1;
  const auto wait = timers_.begin()->first - Clock::now();
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(rounded, 0, 3'600'000));
}

void EventLoop::run_due_timers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    running_timer_ = timer.id;
    running_timer_cancelled_ = false;
    {
      const SlowTasks::Around around("timer", timer.given);
      (*timer.task)();
    }
    running_timer_ = 0;
    if (timer.period != Clock::duration::zero() && !running_timer_cancelled_)
      timers_.emplace(Clock::now() + timer.period, std::move(timer));
  }
}

void EventLoop::run() {
  std::array<epoll_event, 32> events{};
  stopping_ = false;
  while (!stopping_) {
    const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   milliseconds_to_next_timer());
    LLRUN_CHECK(ready >= 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < ready; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      // An earlier callback of this round may have removed the watch.
      const auto found = watches_.find(event.data.fd);
      if (found == watches_.end()) continue;
      const auto keep_alive = found->second;
      const SlowTasks::Around around("watch", keep_alive->given);
      keep_alive->handler(event.events);
    }
    run_due_timers();
  }
}

}  // namespace llrun
