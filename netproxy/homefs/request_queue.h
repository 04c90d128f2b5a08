// RequestQueue: what waits for the server's workers: frames of the channel's thread, and looks at
// files that a loop asks for, since it may not wait for them itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "netproxy/homefs/frame.h"

namespace llrun::homefs {

class RequestQueue {
 public:
  // A kernel sends a request a thread, and a few in the background: far less than this.
  static constexpr std::size_t kMaxFrames = 65536;
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 30;
  using Look = std::function<void()>;
  using Work = std::variant<Frame, Look>;

  // `has_room`: whether what has been dealt with can be told; while it cannot, all waits. Empty: it
  // always can.
  explicit RequestQueue(std::function<bool()> has_room = {}) : has_room_(std::move(has_room)) {}

  [[nodiscard]] bool push(Frame frame);  // false: full, or closed
  [[nodiscard]] bool push(Look look);
  // Waits; nothing: closed, or, with a patience, nothing has come within it.
  [[nodiscard]] std::optional<Work> pop(std::optional<std::chrono::seconds> patience);
  void look_for_room();                       // has_room may say something else now
  void done();                                // what was popped has been dealt with
  void close();                               // drops what is queued
  [[nodiscard]] std::size_t pending() const;  // queued or being dealt with
  // More is queued than workers wait for it.
  [[nodiscard]] bool short_of_workers() const;

 private:
  [[nodiscard]] bool push(Work work, std::size_t bytes);
  [[nodiscard]] bool has_room() const { return !has_room_ || has_room_(); }  // mutex_ is held

  const std::function<bool()> has_room_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Work> work_;
  std::size_t bytes_ = 0;
  std::size_t busy_ = 0;
  std::size_t idle_ = 0;
  bool closed_ = false;
};

}  // namespace llrun::homefs
