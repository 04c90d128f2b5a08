// Threads start, hold state of their own, meet, end and are joined in every step; some live through
// all of them.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/programs/steps.h"

namespace {

thread_local std::uint64_t own = 1;
std::mutex mutex;
std::set<pid_t> ids;

// A thread of one step: its thread-local value, stack and id stay its own while the others do the
// same.
void short_life(std::uint64_t seed, std::uint64_t& result) {
  const pid_t id = ::gettid();
  own = seed;
  for (int round = 0; round < 20; ++round) {
    for (int turn = 0; turn < 20000; ++turn) own = steps::mixed(own);
    if (round % 5 == 0) std::this_thread::yield();
  }
  steps::check(::gettid() == id, "a thread's id: %d was %d", ::gettid(), id);
  const std::scoped_lock lock(mutex);
  steps::check(ids.insert(id).second, "the id %d is used by two threads at once", id);
  result = own;
}

std::uint64_t expected(std::uint64_t seed) {
  for (int turn = 0; turn < 400000; ++turn) seed = steps::mixed(seed);
  return seed;
}

// A thread that lives through all steps, computing and waiting in turn.
class Companion {
 public:
  Companion() : thread_([this] { live(); }) {}
  ~Companion() {
    stop_ = true;
    thread_.join();
    steps::check(turns_ > 0, "a companion has done nothing");
  }
  Companion(const Companion&) = delete;

 private:
  void live() {
    ::pthread_setname_np(::pthread_self(), "companion");
    const pid_t id = ::gettid();
    own = steps::mixed(static_cast<std::uint64_t>(id));
    while (!stop_) {
      steps::work(own);
      ++turns_;
      char name[16] = "";
      ::pthread_getname_np(::pthread_self(), name, sizeof name);
      steps::check(std::string(name) == "companion", "a thread's name is %s", name);
      steps::check(::gettid() == id && own == steps::mixed(static_cast<std::uint64_t>(id)),
                   "a companion's own state");
    }
  }
  std::atomic<bool> stop_{false};
  std::atomic<int> turns_{0};
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  const std::vector<Companion> companions(2);
  while (steps::next()) {
    std::vector<std::uint64_t> results(8);
    std::vector<std::thread> threads;
    for (std::uint64_t at = 0; at < results.size(); ++at)
      threads.emplace_back(short_life, at + 1, std::ref(results[at]));
    for (auto& thread : threads) thread.join();
    for (std::uint64_t at = 0; at < results.size(); ++at)
      steps::check(results[at] == expected(at + 1), "what thread %d computed",
                   static_cast<int>(at));
    ids.clear();
  }
  return steps::finish();
}
