// Blocking calls with a time limit, one thread each, end neither early nor with a stray EINTR,
// however often the program is moved in the middle of them; and what remained of the time is not
// waited for from the beginning. To be run with a pipe as standard input into which nobody writes.
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "tests/programs/steps.h"

namespace {

constexpr long kMilliseconds = 1500;
constexpr timespec kTime{kMilliseconds / 1000, kMilliseconds % 1000 * 1000000};

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
  return told(::poll(&entry, 1, kMilliseconds));
}

int wait_signal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  return told(::sigtimedwait(&set, nullptr, &kTime));
}

int sleep_until() {
  const timespec end = later(CLOCK_MONOTONIC);
  return ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr);
}

const Wait kWaits[] = {
    {"nanosleep", 0, [] { return told(::nanosleep(&kTime, nullptr)); }},
    {"clock_nanosleep", 0, [] { return ::clock_nanosleep(CLOCK_MONOTONIC, 0, &kTime, nullptr); }},
    {"clock_nanosleep to a time", 0, sleep_until, CLOCK_MONOTONIC},
    {"poll", 0, [] { return told(::poll(nullptr, 0, kMilliseconds)); }},
    {"poll of standard input", 0, wait_input},
    {"select", 0, wait_select},
    {"futex", ETIMEDOUT, wait_futex},
    {"sem_timedwait", ETIMEDOUT, wait_semaphore},
    {"pthread_cond_timedwait", ETIMEDOUT, wait_condition},
    {"sigtimedwait", EAGAIN, wait_signal},
};

// Within one step each call is made once. The upper bound only finds a call that never ends or
// starts anew for ever.
void wait_once(const Wait& wait) {
  const double before = now(wait.clock);
  const int result = wait.call();
  const double took = now(wait.clock) - before;
  steps::check(result == wait.expected, "%s gave errno %d", wait.name, result);
  steps::check(took > kMilliseconds / 1000.0 - 0.02, "%s took only %.3f s", wait.name, took);
  steps::check(took < 60, "%s took %.3f s", wait.name, took);
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  while (steps::next()) {
    std::vector<std::thread> threads;
    for (const auto& wait : kWaits) threads.emplace_back(wait_once, std::cref(wait));
    for (auto& thread : threads) thread.join();
  }
  return steps::finish();
}
