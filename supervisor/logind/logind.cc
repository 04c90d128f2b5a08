#include "supervisor/logind/logind.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace llrun {
namespace {

constexpr char kService[] = "org.freedesktop.login1";
constexpr char kPath[] = "/org/freedesktop/login1";
constexpr char kManager[] = "org.freedesktop.login1.Manager";
// Logind may be started again, and then knows of no lock.
constexpr char kLogindCame[] =
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
    "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.freedesktop.login1'";

Result<> done(int result, const char* what) {
  if (result >= 0) return {};
  return system_error(what, -result);
}

std::uint32_t epoll_events(int poll_events) {
  return ((poll_events & POLLIN) != 0 ? EPOLLIN : 0U) |
         ((poll_events & POLLOUT) != 0 ? EPOLLOUT : 0U);
}

}  // namespace

struct Logind::Calls {
  static int prepare(sd_bus_message* message, void* logind, sd_bus_error*) {
    int begins = 0;
    if (sd_bus_message_read(message, "b", &begins) < 0) return 0;
    const bool sleep = std::strcmp(sd_bus_message_get_member(message), "PrepareForSleep") == 0;
    static_cast<Logind*>(logind)->heard(sleep, begins != 0);
    return 0;
  }

  static int locked(sd_bus_message* message, void* logind, sd_bus_error*) {
    int lock = -1;
    auto& self = *static_cast<Logind*>(logind);
    if (sd_bus_message_is_method_error(message, nullptr) == 0 &&
        sd_bus_message_read(message, "h", &lock) >= 0)
      self.lock_ = Fd(::fcntl(lock, F_DUPFD_CLOEXEC, 3));
    else
      self.try_again();
    return 0;
  }

  static int delay(sd_bus_message* message, void* logind, sd_bus_error*) {
    std::uint64_t microseconds = 0;
    if (sd_bus_message_is_method_error(message, nullptr) == 0 &&
        sd_bus_message_read(message, "v", "t", &microseconds) >= 0)
      static_cast<Logind*>(logind)->delay_ = std::chrono::microseconds(microseconds);
    return 0;
  }

  static int logind_came(sd_bus_message* message, void* logind, sd_bus_error*) {
    const char *name = nullptr, *before = nullptr, *now = nullptr;
    if (sd_bus_message_read(message, "sss", &name, &before, &now) < 0 || *now == '\0') return 0;
    auto& self = *static_cast<Logind*>(logind);
    self.pause_ = kFirstPause;
    (void)self.take_lock();  // the bus shows its loss itself
    return 0;
  }
};

Result<std::unique_ptr<Logind>> Logind::connect(EventLoop& loop, Handlers handlers) {
  std::unique_ptr<Logind> logind(new Logind(loop, std::move(handlers)));
  if (const int opened = sd_bus_open_system(&logind->bus_); opened < 0)
    return failure(ErrorCode::kUnsupported,
                   std::string("reach the system bus: ") + std::strerror(-opened));
  LLRUN_TRY(logind->listen());
  return logind;
}

Logind::~Logind() {
  loop_.cancel(retry_);
  if (watched_ >= 0) loop_.unwatch(watched_);
  sd_bus_close_unref(bus_);
}

Result<> Logind::listen() {
  for (const char* signal : {"PrepareForSleep", "PrepareForShutdown"})
    LLRUN_TRY(done(sd_bus_match_signal_async(bus_, nullptr, kService, kPath, kManager, signal,
                                             Calls::prepare, nullptr, this),
                   "listen to logind"));
  LLRUN_TRY(
      done(sd_bus_add_match_async(bus_, nullptr, kLogindCame, Calls::logind_came, nullptr, this),
           "listen for logind"));
  LLRUN_TRY(take_lock());
  watched_ = sd_bus_get_fd(bus_);
  LLRUN_TRY(done(watched_, "watch the system bus"));
  LLRUN_TRY(loop_.watch(watched_, epoll_events(sd_bus_get_events(bus_)),
                        [this](std::uint32_t) { process(); }));
  return {};
}

Result<> Logind::take_lock() {
  LLRUN_TRY(done(
      sd_bus_call_method_async(bus_, nullptr, kService, kPath, "org.freedesktop.DBus.Properties",
                               "Get", Calls::delay, this, "ss", kManager, "InhibitDelayMaxUSec"),
      "ask logind for its delay"));
  return done(
      sd_bus_call_method_async(bus_, nullptr, kService, kPath, kManager, "Inhibit", Calls::locked,
                               this, "ssss", "sleep:shutdown", "llrun",
                               "guests go home, and programs that are away come home", "delay"),
      "ask logind to wait for us");
}

void Logind::try_again() {
  loop_.cancel(retry_);
  retry_ = loop_.after(pause_, [this] {
    retry_ = 0;
    if (take_lock()) process();  // which sends it
  });
  pause_ = std::min(2 * pause_, kLongestPause);
}

void Logind::process() {
  int handled = 0;
  do {
    handled = sd_bus_process(bus_, nullptr);
  } while (handled > 0);
  const int events = handled < 0 ? handled : sd_bus_get_events(bus_);
  if (events >= 0) {
    if (const auto changed = loop_.change(watched_, epoll_events(events)); changed) return;
  }
  loop_.unwatch(std::exchange(watched_, -1));
  lock_.reset();
  const auto lost = handlers_.lost;  // it may destroy this
  lost(Error{ErrorCode::kGone, events < 0 ? -events : 0, "listen to the system bus"});
}

void Logind::heard(bool sleep, bool begins) {
  if (begins) return sleep ? handlers_.sleeps() : handlers_.ends();
  if (!lock_.valid()) (void)take_lock();  // for the next time; the bus shows its loss itself
  handlers_.wakes();
}

}  // namespace llrun
