// RequestQueue: frames between the channel's thread and the server's workers.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "netproxy/homefs/frame.h"

namespace llrun::homefs {

class RequestQueue {
 public:
  // A kernel sends a request a thread, and a few in the background: far less than this.
  static constexpr std::size_t kMaxFrames = 65536;
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

  [[nodiscard]] bool push(Frame frame);       // false: full, or closed
  [[nodiscard]] std::optional<Frame> pop();   // waits; nothing: closed
  void done();                                // the frame popped has been dealt with
  void close();                               // drops what is queued
  [[nodiscard]] std::size_t pending() const;  // queued or being dealt with

 private:
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Frame> frames_;
  std::size_t bytes_ = 0;
  std::size_t busy_ = 0;
  bool closed_ = false;
};

}  // namespace llrun::homefs
