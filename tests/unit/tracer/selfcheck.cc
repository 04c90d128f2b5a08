// A program that checks itself while it is moved about: several threads, each in one piece of
// state. It runs until a line comes on stdin and then prints PASS or what differed.
#include <immintrin.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> stop{false};
std::atomic<int> rounds[8];
std::atomic<int> alarms{0}, ticks{0};
std::mutex failures_mutex;
std::vector<std::string> failures;
thread_local std::uint64_t canary = 0;

void fail(const std::string& what) {
  const std::lock_guard lock(failures_mutex);
  failures.push_back(what + " (errno " + std::to_string(errno) + ")");
}

std::uint64_t next(std::uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ (x << 17);
}

// Fills and re-reads memory; the sum of each round is known beforehand.
void memory_thread() {
  canary = 0x1234;
  constexpr std::size_t kWords = 1 << 18;
  std::vector<std::uint64_t> words(kWords);
  for (std::uint64_t seed = 1; !stop; ++seed, ++rounds[0]) {
    std::uint64_t x = seed, expected = 0, sum = 0;
    for (auto& word : words) expected += word = x = next(x);
    for (const auto word : words) sum += word;
    if (sum != expected) return fail("memory changed");
    if (canary != 0x1234) return fail("thread-local memory changed");
  }
}

// Keeps eight sums in vector registers while it counts.
__attribute__((target("avx2"))) void vector_thread() {
  while (!stop) {
    __m256i sum = _mm256_set_epi64x(4, 3, 2, 1);
    const __m256i one = _mm256_set1_epi64x(1);
    for (int i = 0; i < 1'000'000; ++i) {
      sum = _mm256_add_epi64(sum, one);
      asm volatile("" : "+x"(sum));
    }
    alignas(32) std::int64_t out[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(out), sum);
    for (int i = 0; i < 4; ++i)
      if (out[i] != 1'000'001 + i) return fail("a vector register changed");
    ++rounds[1];
  }
}

void sleep_thread() {
  for (; !stop; ++rounds[2]) {
    timespec time{0, 50'000'000};
    if (::nanosleep(&time, nullptr) != 0) return fail("nanosleep");
    time = {0, 50'000'000};
    if (::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr) != 0) return fail("clock_nanosleep");
  }
}

std::mutex mutex;
std::condition_variable condition;
int turn = 0;

void futex_thread(int self) {
  for (;; ++rounds[3]) {
    std::unique_lock lock(mutex);
    if (!condition.wait_for(lock, std::chrono::seconds(60), [&] { return turn == self || stop; }))
      return fail("a condition did not come");
    if (stop) return;
    turn = 1 - self;
    condition.notify_all();
    lock.unlock();
    ::usleep(1000);
  }
}

void poll_thread(int fd) {
  for (; !stop; ++rounds[4]) {
    pollfd entry{fd, POLLIN, 0};
    if (::poll(&entry, 1, 100) != 0) return fail("poll");
  }
}

void pipe_reader(int fd) {
  for (int expected = 0;; ++expected, ++rounds[5]) {
    int value = -1;
    if (::read(fd, &value, sizeof value) != sizeof value) return fail("read from a pipe");
    if (value == -2) return;
    if (value != expected) return fail("a pipe lost something");
  }
}

void pipe_writer(int fd) {
  for (int value = 0; !stop; ++value) {
    if (::write(fd, &value, sizeof value) != sizeof value) return fail("write to a pipe");
    ::usleep(20'000);
  }
  const int end = -2;
  if (::write(fd, &end, sizeof end) != sizeof end) fail("write the end");
}

// A vfork-like id check: the ids a thread has been told must stay its own.
void id_thread() {
  const auto tid = ::syscall(SYS_gettid);
  const auto pid = ::getpid();
  for (; !stop; ++rounds[6]) {
    if (::syscall(SYS_gettid) != tid || ::syscall(SYS_getpid) != pid) return fail("an id changed");
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
  }
}

void on_alarm(int, siginfo_t* info, void*) {
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  if ((stack.ss_flags & SS_ONSTACK) == 0) std::abort();
  if (info->si_signo != SIGALRM) std::abort();
  ++alarms;
}

void set_up_alarms() {
  stack_t stack{std::malloc(65536), 0, 65536};
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_alarm;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval timer{{0, 20'000}, {0, 20'000}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void on_tick(int, siginfo_t* info, void*) {
  if (info->si_code != SI_TIMER || info->si_value.sival_int != 4711) std::abort();
  ++ticks;
}

// Two timers, of which the first one goes: ids begin anew with 0 where nobody asks for them.
timer_t set_up_ticks() {
  struct sigaction action {};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(SIGRTMIN, &action, nullptr);
  timer_t first{}, timer{};
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN;
  event.sigev_value.sival_int = 4711;
  if (::timer_create(CLOCK_REALTIME, nullptr, &first) != 0 ||
      ::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || ::timer_delete(first) != 0)
    fail("timers cannot be made");
  const itimerspec every{{0, 15'000'000}, {0, 15'000'000}};
  ::timer_settime(timer, 0, &every, nullptr);
  return timer;
}

void check_interval(timer_t timer) {
  itimerspec now{};
  if (::timer_gettime(timer, &now) != 0 || now.it_interval.tv_nsec != 15'000'000)
    fail("the timer's interval changed");
}

void only_main_gets_alarms() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigaddset(&set, SIGRTMIN);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

struct PatternedMemory {
  PatternedMemory() {
    at = static_cast<unsigned char*>(
        ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    shared = static_cast<unsigned char*>(
        ::mmap(nullptr, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 1 << 20; ++i) at[i] = static_cast<unsigned char>(i * 7 >> 3);
    for (int i = 0; i < 1 << 16; ++i) shared[i] = static_cast<unsigned char>(i >> 2);
    ::mprotect(at, 1 << 20, PROT_READ);
  }
  void check() const {
    for (int i = 0; i < 1 << 20; ++i)
      if (at[i] != static_cast<unsigned char>(i * 7 >> 3)) return fail("read-only memory changed");
    for (int i = 0; i < 1 << 16; ++i)
      if (shared[i] != static_cast<unsigned char>(i >> 2)) return fail("shared memory changed");
  }
  unsigned char* at;
  unsigned char* shared;
};

}  // namespace

int main() {
  const PatternedMemory memory;
  int pipe_ends[2], quiet[2];
  if (::pipe(pipe_ends) != 0 || ::pipe(quiet) != 0) return 2;
  only_main_gets_alarms();
  std::vector<std::thread> threads;
  threads.emplace_back(memory_thread);
  threads.emplace_back(vector_thread);
  threads.emplace_back(sleep_thread);
  threads.emplace_back(futex_thread, 0);
  threads.emplace_back(futex_thread, 1);
  threads.emplace_back(poll_thread, quiet[0]);
  threads.emplace_back(pipe_reader, pipe_ends[0]);
  threads.emplace_back(pipe_writer, pipe_ends[1]);
  threads.emplace_back(id_thread);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigaddset(&set, SIGRTMIN);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  set_up_alarms();
  const timer_t timer = set_up_ticks();
  std::puts("ready");
  std::fflush(stdout);
  char line[64];
  while (std::fgets(line, sizeof line, stdin) != nullptr && std::strcmp(line, "quit\n") != 0) {
    // "rounds": how far everybody has come since the last time asked; each must move on.
    int before[7];
    for (int i = 0; i < 7; ++i) before[i] = rounds[i];
    const int alarms_before = alarms, ticks_before = ticks;
    for (int i = 0; i < 7; ++i)
      for (int tries = 0; rounds[i] == before[i] && tries < 3000 && failures.empty(); ++tries)
        ::poll(nullptr, 0, 10);
    for (int tries = 0; (alarms == alarms_before || ticks == ticks_before) && tries < 3000; ++tries)
      ::poll(nullptr, 0, 10);
    for (int i = 0; i < 7; ++i)
      if (rounds[i] == before[i]) fail("thread " + std::to_string(i) + " does not move on");
    if (alarms == alarms_before) fail("no alarm comes");
    if (ticks == ticks_before) fail("the timer does not ring");
    check_interval(timer);
    std::puts(failures.empty() ? "moving" : failures[0].c_str());
    std::fflush(stdout);
  }
  stop = true;
  condition.notify_all();
  for (auto& thread : threads) thread.join();
  memory.check();
  for (const auto& what : failures) std::printf("FAIL: %s\n", what.c_str());
  if (failures.empty()) std::puts("PASS");
  return failures.empty() ? 0 : 1;
}
