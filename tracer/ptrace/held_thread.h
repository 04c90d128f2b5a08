// HeldThread: a stopped thread that runs on when this goes, whichever way its holder is left.
#pragma once

#include <optional>
#include <tuple>
#include <utility>

#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {

class HeldThread {
 public:
  explicit HeldThread(StoppedThread thread) : thread_(std::move(thread)) {}
  HeldThread(HeldThread&& other) noexcept : thread_(std::exchange(other.thread_, std::nullopt)) {}
  HeldThread& operator=(HeldThread&&) = delete;
  ~HeldThread() {
    if (thread_) std::ignore = resume(std::move(*thread_));
  }

  [[nodiscard]] const StoppedThread& operator*() const { return *thread_; }
  // To be resumed, or kept, by whoever asks.
  [[nodiscard]] StoppedThread take() { return *std::exchange(thread_, std::nullopt); }

 private:
  std::optional<StoppedThread> thread_;
};

}  // namespace llrun::tracer
