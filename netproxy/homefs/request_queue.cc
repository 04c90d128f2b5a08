#include "netproxy/homefs/request_queue.h"

#include <utility>

namespace llrun::homefs {

bool RequestQueue::push(Frame frame) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || frames_.size() >= kMaxFrames || bytes_ + frame.size() > kMaxBytes) return false;
    bytes_ += frame.size();
    frames_.push_back(std::move(frame));
  }
  ready_.notify_one();
  return true;
}

std::optional<Frame> RequestQueue::pop() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [this] { return closed_ || !frames_.empty(); });
  if (closed_) return std::nullopt;
  Frame frame = std::move(frames_.front());
  frames_.pop_front();
  bytes_ -= frame.size();
  ++busy_;
  return frame;
}

void RequestQueue::done() {
  const std::lock_guard lock(mutex_);
  --busy_;
}

void RequestQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    frames_.clear();
    bytes_ = 0;
  }
  ready_.notify_all();
}

std::size_t RequestQueue::pending() const {
  const std::lock_guard lock(mutex_);
  return frames_.size() + busy_;
}

}  // namespace llrun::homefs
