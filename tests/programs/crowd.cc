// Hundreds of threads, each with a state of its own, meet in every step.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "tests/programs/steps.h"

namespace {

constexpr std::uint64_t kThreads = 500;
constexpr std::size_t kStackBytes = 64 << 10;

pthread_barrier_t barrier;
std::atomic<bool> stop{false};
std::atomic<std::uint64_t> sum{0};
thread_local std::uint64_t own = 0;

void* live(void* number) {
  const pid_t id = ::gettid();
  own = reinterpret_cast<std::uint64_t>(number);
  for (;;) {
    ::pthread_barrier_wait(&barrier);  // a step begins
    if (stop) return nullptr;
    own = steps::mixed(own);
    sum += own;
    steps::check(::gettid() == id, "thread %d has become %d", id, ::gettid());
    ::pthread_barrier_wait(&barrier);  // and ends
  }
}

std::vector<pthread_t> make_threads() {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  std::vector<pthread_t> threads(kThreads);
  for (std::uint64_t at = 0; at < kThreads; ++at)
    steps::check(
        ::pthread_create(&threads[at], &attributes, live, reinterpret_cast<void*>(at)) == 0,
        "thread %lu cannot be made", at);
  return threads;
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  ::pthread_barrier_init(&barrier, nullptr, kThreads + 1);
  const auto threads = make_threads();
  std::vector<std::uint64_t> expected(kThreads);
  for (std::uint64_t at = 0; at < kThreads; ++at) expected[at] = at;
  while (steps::next()) {
    std::uint64_t wanted = 0;
    for (auto& value : expected) wanted += value = steps::mixed(value);
    sum = 0;
    ::pthread_barrier_wait(&barrier);
    ::pthread_barrier_wait(&barrier);
    steps::check(sum == wanted, "what the threads computed together");
    steps::work(3);
  }
  stop = true;
  ::pthread_barrier_wait(&barrier);
  for (const auto thread : threads) ::pthread_join(thread, nullptr);
  return steps::finish();
}
