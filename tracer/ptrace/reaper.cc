#include "tracer/ptrace/reaper.h"

#include <chrono>

#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

// Attaching takes microseconds, unless it waits for an exec.
constexpr std::chrono::milliseconds kPeriod{20};

// Or is no longer ours. Nothing else is taken from the tracer.
bool has_been_reaped(HostTid tid) {
  const auto end = poll_end(tid);
  return !end || end->has_value();
}

}  // namespace

Reaper::~Reaper() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Reaper::watch(HostTid tid) {
  const std::lock_guard lock(mutex_);
  watched_.insert(tid);
}

void Reaper::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPeriod, [this] { return over_; }))
    std::erase_if(watched_, [this](HostTid tid) {
      // Nobody waits for a main thread's, which says how the process has ended.
      return tid.value != process_.value && has_been_reaped(tid);
    });
}

}  // namespace llrun::tracer
