// Workers: the threads that deal with what a RequestQueue holds, as many as are needed.
//
// One that waits for a filesystem of home's that does not answer is lost until it does, and nobody
// else may wait for it: while more is queued than threads are idle there are new ones, up to a
// bound that a program with that many threads in such calls reaches. Those beyond the first few end
// when they have had nothing to do for a while.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "netproxy/homefs/request_queue.h"

namespace llrun::homefs {

class Workers {
 public:
  struct Bounds {
    unsigned kept = 4;
    unsigned most = 512;
  };
  // `deal` runs on the threads, several at a time. They hold on to `owner`, which has this and the
  // queue in it, for as long as they run.
  using Deal = std::function<void(RequestQueue::Work)>;
  Workers(RequestQueue& queue, Bounds bounds, Deal deal);

  // After something has been queued.
  void look_after(const std::shared_ptr<void>& owner);
  // The queue has been closed: true when every thread has ended, false when some still wait for a
  // file after `patience`; they end by themselves when they have it.
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds patience);

 private:
  [[nodiscard]] bool add_one(const std::shared_ptr<void>& owner);
  void work(bool kept);

  RequestQueue& queue_;
  Bounds bounds_;
  Deal deal_;
  std::mutex mutex_;
  std::condition_variable ended_;
  unsigned running_ = 0;
};

}  // namespace llrun::homefs
