// Blocking calls with a time limit, one thread each, end neither early nor with a stray EINTR,
// however often the program is moved in the middle of them; nor later than by the time for which it
// was stopped, which a thread that only ticks has seen. To be run with a pipe as standard input
// into which nobody writes. LLRUN_TEST_WAIT_MS: how long each wait is.
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/programs/steps.h"

namespace {

long milliseconds() {
  const char* wanted = std::getenv("LLRUN_TEST_WAIT_MS");
  return wanted != nullptr ? std::atol(wanted) : 1500;
}

const long kMilliseconds = milliseconds();
// Constants of the program, several threads' own: nobody may write to them.
const timespec kTime{kMilliseconds / 1000, kMilliseconds % 1000 * 1000000};

double now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

timespec later(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  time.tv_sec += kTime.tv_sec;
  time.tv_nsec += kTime.tv_nsec;
  if (time.tv_nsec >= 1000000000) time = {time.tv_sec + 1, time.tv_nsec - 1000000000};
  return time;
}

struct Wait {
  const char* name;
  int expected;   // errno at the time's end; 0: success
  int (*call)();  // gives an errno
  // The one clock that a move leaves as it is (docs/limits.md, "Clocks"), but where another one
  // says when to end.
  clockid_t clock = CLOCK_REALTIME;
};

int told(long result) { return result < 0 ? errno : 0; }

int wait_semaphore() {
  static sem_t semaphore;
  static const int made = ::sem_init(&semaphore, 0, 0);
  const timespec end = later(CLOCK_REALTIME);
  return made == 0 ? told(::sem_timedwait(&semaphore, &end)) : EINVAL;
}

int wait_condition() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  const timespec end = later(CLOCK_REALTIME);
  ::pthread_mutex_lock(&mutex);
  int result = 0;
  while (result == 0)
    result = ::pthread_cond_timedwait(&condition, &mutex, &end);  // spurious wake-ups are allowed
  ::pthread_mutex_unlock(&mutex);
  return result;
}

int wait_futex() {
  static int word = 0;
  return told(::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &kTime, nullptr, 0));
}

int wait_select() {
  timeval time{kTime.tv_sec, kTime.tv_nsec / 1000};
  return told(::select(0, nullptr, nullptr, nullptr, &time));
}

// Whose writer stays silent.
int wait_input() {
  pollfd entry{STDIN_FILENO, POLLIN, 0};
  return told(::poll(&entry, 1, static_cast<int>(kMilliseconds)));
}

int wait_signal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  return told(::sigtimedwait(&set, nullptr, &kTime));
}

template <clockid_t kClock>
int sleep_until() {
  const timespec end = later(kClock);
  return ::clock_nanosleep(kClock, TIMER_ABSTIME, &end, nullptr);
}

int sleep_in_place() {
  std::this_thread::sleep_for(std::chrono::milliseconds(kMilliseconds));
  return 0;
}

int wait_ppoll() { return told(::ppoll(nullptr, 0, &kTime, nullptr)); }

int wait_pselect() { return told(::pselect(0, nullptr, nullptr, nullptr, &kTime, nullptr)); }

// Whose limit the kernel cannot write back.
int wait_raw_ppoll() {
  static const timespec* const time = [] {
    void* const page =
        ::mmap(nullptr, sizeof kTime, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memcpy(page, &kTime, sizeof kTime);
    ::mprotect(page, sizeof kTime, PROT_READ);
    return static_cast<const timespec*>(page);
  }();
  return told(::syscall(SYS_ppoll, nullptr, 0, time, nullptr, sizeof(std::uint64_t)));
}

class Epoll {
 public:
  Epoll() = default;
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;
  ~Epoll() { ::close(fd_); }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = ::epoll_create1(EPOLL_CLOEXEC);
};

int wait_epoll() {
  const Epoll epoll;
  epoll_event event{};
  return told(::epoll_wait(epoll.fd(), &event, 1, static_cast<int>(kMilliseconds)));
}

int wait_masked_epoll() {
  const Epoll epoll;
  epoll_event event{};
  sigset_t set;
  ::sigfillset(&set);
  return told(::epoll_pwait(epoll.fd(), &event, 1, static_cast<int>(kMilliseconds), &set));
}

int wait_exact_epoll() {
  constexpr long kEpollPwait2 = 441;
  const Epoll epoll;
  epoll_event event{};
  return told(::syscall(kEpollPwait2, epoll.fd(), &event, 1, &kTime, nullptr, 8));
}

int wait_futex_until() {
  static int word = 0;
  const timespec end = later(CLOCK_MONOTONIC);
  return told(::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &end, nullptr,
                        FUTEX_BITSET_MATCH_ANY));
}

int wait_many_futexes() {
  constexpr long kFutexWaitv = 449;
  static int word = 0;
  struct Futex {
    std::uint64_t value = 0, address = 0;
    std::uint32_t flags = 2 | FUTEX_PRIVATE_FLAG, reserved = 0;  // FUTEX_32
  };
  const Futex futex{0, reinterpret_cast<std::uint64_t>(&word)};
  const timespec end = later(CLOCK_MONOTONIC);
  return told(::syscall(kFutexWaitv, &futex, 1, 0, &end, CLOCK_MONOTONIC));
}

// Held by the main thread.
class HeldMutex {
 public:
  HeldMutex() {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    ::pthread_mutex_init(&mutex_, &attributes);
    ::pthread_mutex_lock(&mutex_);
  }
  HeldMutex(const HeldMutex&) = delete;
  HeldMutex& operator=(const HeldMutex&) = delete;
  int wait() {
    const timespec end = later(CLOCK_REALTIME);
    return ::pthread_mutex_timedlock(&mutex_, &end);
  }

 private:
  pthread_mutex_t mutex_{};
};
HeldMutex held;

int wait_alarm() {
  const itimerval timer{{0, 0}, {kTime.tv_sec, kTime.tv_nsec / 1000}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGALRM);
  int taken = 0;
  return ::sigwait(&set, &taken);
}

const Wait kWaits[] = {
    {"nanosleep", 0, [] { return told(::nanosleep(&kTime, nullptr)); }},
    {"clock_nanosleep", 0, [] { return ::clock_nanosleep(CLOCK_MONOTONIC, 0, &kTime, nullptr); }},
    {"clock_nanosleep of the boot clock", 0,
     [] { return ::clock_nanosleep(CLOCK_BOOTTIME, 0, &kTime, nullptr); }},
    {"clock_nanosleep to a time", 0, sleep_until<CLOCK_MONOTONIC>, CLOCK_MONOTONIC},
    {"clock_nanosleep to a time since the start", 0, sleep_until<CLOCK_BOOTTIME>, CLOCK_BOOTTIME},
    {"clock_nanosleep to a time of day", 0, sleep_until<CLOCK_REALTIME>},
    {"clock_nanosleep to an atomic time", 0, sleep_until<CLOCK_TAI>},
    {"sleep_for", 0, sleep_in_place},
    {"poll", 0, [] { return told(::poll(nullptr, 0, static_cast<int>(kMilliseconds))); }},
    {"ppoll", 0, wait_ppoll},
    {"ppoll by its number", 0, wait_raw_ppoll},
    {"pselect", 0, wait_pselect},
    {"epoll_wait", 0, wait_epoll},
    {"epoll_pwait", 0, wait_masked_epoll},
    {"epoll_pwait2", 0, wait_exact_epoll},
    {"poll of standard input", 0, wait_input},
    {"select", 0, wait_select},
    {"futex", ETIMEDOUT, wait_futex},
    {"futex to a time", ETIMEDOUT, wait_futex_until, CLOCK_MONOTONIC},
    {"futex_waitv", ETIMEDOUT, wait_many_futexes, CLOCK_MONOTONIC},
    {"a mutex that another thread holds", ETIMEDOUT, [] { return held.wait(); }},
    {"setitimer", 0, wait_alarm},
    {"sem_timedwait", ETIMEDOUT, wait_semaphore},
    {"pthread_cond_timedwait", ETIMEDOUT, wait_condition},
    {"sigtimedwait", EAGAIN, wait_signal},
};

// A thread that only ticks: what is missing between two ticks is time in which the program was
// stopped, or got no processor.
class Ticker {
 public:
  Ticker() : thread_([this] { tick(); }) {}
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;
  ~Ticker() {
    ends_ = true;
    thread_.join();
  }
  // Since it was made, in seconds. Waits for a tick: who asks may have been the first to go on.
  [[nodiscard]] double missed() const {
    const timespec pause{0, 1'000'000};
    for (const unsigned long ticks = ticks_; ticks_ == ticks;) ::nanosleep(&pause, nullptr);
    return missed_;
  }

 private:
  void tick() {
    constexpr double kTick = 0.005;
    const timespec pause{0, 5'000'000};
    double before = now(CLOCK_REALTIME);
    while (!ends_) {
      ::nanosleep(&pause, nullptr);
      const double time = now(CLOCK_REALTIME);
      missed_ = missed_ + std::max(0.0, time - before - kTick);
      before = time;
      ++ticks_;
    }
  }
  std::atomic<bool> ends_{false};
  std::atomic<unsigned long> ticks_{0};
  std::atomic<double> missed_{0};
  std::thread thread_;
};

// Within one step each call is made once. A call that a move begins anew is later by what it has
// waited before, which in the long waits of a journey is more than the seconds that are allowed
// here.
void wait_once(const Wait& wait, const Ticker& ticker) {
  constexpr double kClockTick = 0.001;  // of CLOCK_REALTIME, which may be adjusted meanwhile
  constexpr double kAllowance = 2;
  const double missed = ticker.missed();
  const double before = now(wait.clock);
  const int result = wait.call();
  const double took = now(wait.clock) - before;
  const double stopped = ticker.missed() - missed;
  const double wanted = static_cast<double>(kMilliseconds) / 1000;
  steps::check(result == wait.expected, "%s gave errno %d", wait.name, result);
  steps::check(took > wanted - kClockTick, "%s took only %.3f s", wait.name, took);
  steps::check(took < wanted + 2 * stopped + kAllowance, "%s took %.3f s, and %.3f were missed",
               wait.name, took, stopped);
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  ::sigaddset(&set, SIGALRM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const Ticker ticker;
  while (steps::next()) {
    std::vector<std::thread> threads;
    for (const auto& wait : kWaits)
      threads.emplace_back(wait_once, std::cref(wait), std::cref(ticker));
    for (auto& thread : threads) thread.join();
  }
  return steps::finish();
}
