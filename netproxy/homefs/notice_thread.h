// NoticeThread: writes home's notifications to the kernel, in order.
//
// Telling the kernel that a name is gone takes the lock of its directory, which a guest may hold
// while it waits for a reply: so they are written by a thread of their own, through a descriptor of
// its own (a clone, which closes no request of the other when it stays open).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "base/fd.h"
#include "base/result.h"
#include "netproxy/homefs/frame.h"

namespace llrun::homefs {

class NoticeThread {
 public:
  // Takes `clone` out of the caller's table.
  [[nodiscard]] static Result<std::unique_ptr<NoticeThread>> start(Fd clone);
  ~NoticeThread();  // waits for a notification under way; what is queued is dropped
  NoticeThread(const NoticeThread&) = delete;
  NoticeThread& operator=(const NoticeThread&) = delete;

  // What waits: an honest home tells of names by the hundred, a kernel takes them by the thousand.
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  // False: so many wait that their sender is not to be trusted.
  [[nodiscard]] bool post(std::span<const std::byte> frame);

 private:
  explicit NoticeThread(Fd clone) : clone_(std::move(clone)) {}
  void run(int clone);
  void write_until_stopped(int clone);

  Fd clone_;  // until the thread has it
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Frame> frames_;
  std::size_t bytes_ = 0;  // of frames_, with what it costs to keep them
  bool stopping_ = false;
  bool started_ = false;
  Result<> start_result_;
  std::thread thread_;
};

}  // namespace llrun::homefs
