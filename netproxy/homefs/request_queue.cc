#include "netproxy/homefs/request_queue.h"

#include <utility>

namespace llrun::homefs {
namespace {

std::size_t bytes_of_work(const RequestQueue::Work& work) {
  const auto* frame = std::get_if<Frame>(&work);
  return frame == nullptr ? 0 : frame->size();
}

}  // namespace

bool RequestQueue::push(Frame frame) {
  const std::size_t bytes = frame.size();
  return push(Work(std::move(frame)), bytes);
}

bool RequestQueue::push(Look look) { return push(Work(std::move(look)), 0); }

bool RequestQueue::push(Work work, std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || work_.size() >= kMaxFrames || bytes_ + bytes > kMaxBytes) return false;
    bytes_ += bytes;
    work_.push_back(std::move(work));
  }
  ready_.notify_one();
  return true;
}

std::optional<RequestQueue::Work> RequestQueue::pop(std::optional<std::chrono::seconds> patience) {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return closed_ || (!work_.empty() && has_room()); };
  ++idle_;
  bool found = true;
  if (patience)
    found = ready_.wait_for(lock, *patience, something);
  else
    ready_.wait(lock, something);
  --idle_;
  if (closed_ || !found) return std::nullopt;
  Work work = std::move(work_.front());
  work_.pop_front();
  bytes_ -= bytes_of_work(work);
  ++busy_;
  return work;
}

void RequestQueue::look_for_room() {
  {
    const std::lock_guard lock(mutex_);
    if (!has_room()) return;
  }
  ready_.notify_all();
}

void RequestQueue::done() {
  const std::lock_guard lock(mutex_);
  --busy_;
}

void RequestQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_.clear();
    bytes_ = 0;
  }
  ready_.notify_all();
}

std::size_t RequestQueue::pending() const {
  const std::lock_guard lock(mutex_);
  return work_.size() + busy_;
}

bool RequestQueue::short_of_workers() const {
  const std::lock_guard lock(mutex_);
  return work_.size() > idle_ && has_room();
}

}  // namespace llrun::homefs
