#include "netproxy/homefs/workers.h"

#include <sched.h>

#include <csignal>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "base/log.h"

namespace llrun::homefs {
namespace {

constexpr std::chrono::seconds kIdleTime{5};

// Signals are for the process's other threads (SIGXFSZ too: EFBIG tells enough), and a thread's
// umask is its own.
void prepare_worker() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  LLRUN_CHECK(::unshare(CLONE_FS) == 0, "a thread with a umask of its own");
}

}  // namespace

Workers::Workers(RequestQueue& queue, Bounds bounds, Deal deal)
    : queue_(queue), bounds_(bounds), deal_(std::move(deal)) {}

void Workers::look_after(const std::shared_ptr<void>& owner) {
  const std::lock_guard lock(mutex_);
  while (running_ < bounds_.kept && add_one(owner)) {
  }
  if (running_ >= bounds_.kept && running_ < bounds_.most && queue_.short_of_workers())
    std::ignore = add_one(owner);
}

// Where no more threads are to be had, those that are there do it, one after the other.
bool Workers::add_one(const std::shared_ptr<void>& owner) {
  const bool kept = running_ < bounds_.kept;
  try {
    std::thread([this, kept, owner] {
      prepare_worker();
      work(kept);
    }).detach();
  } catch (const std::system_error& problem) {
    log::warn("no thread to serve files could be made: {}", problem.what());
    return false;
  }
  ++running_;
  return true;
}

void Workers::work(bool kept) {
  const auto patience = kept ? std::nullopt : std::optional(kIdleTime);
  while (auto work = queue_.pop(patience)) {
    deal_(std::move(*work));
    queue_.done();
  }
  const std::lock_guard lock(mutex_);
  --running_;
  ended_.notify_all();
}

bool Workers::wait_for_end(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, patience, [this] { return running_ == 0; });
}

}  // namespace llrun::homefs
