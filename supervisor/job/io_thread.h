// IoThread: the event loop of a supervisor's traffic, on a thread of its own.
//
// A supervisor has two loops. The control loop owns ptrace and may wait for a stop of the program;
// this one owns the link, the file view and the streams, and never waits for the program: a page
// that somebody waits for may be one that has to pass through here.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "base/event_loop.h"

namespace llrun {

class IoThread {
 public:
  [[nodiscard]] static Result<std::unique_ptr<IoThread>> start();
  ~IoThread();  // stops the loop and joins
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  [[nodiscard]] EventLoop& loop() { return *loop_; }
  // Run `task` on the loop's thread and wait for it. Never from that thread, nor while it waits for
  // the caller.
  template <typename Task>
  auto ask(Task task) -> std::invoke_result_t<Task> {
    std::packaged_task<std::invoke_result_t<Task>()> packaged(std::move(task));
    auto future = packaged.get_future();
    auto shared = std::make_shared<decltype(packaged)>(std::move(packaged));
    loop_->post([shared] { (*shared)(); });
    return future.get();
  }

 private:
  explicit IoThread(std::unique_ptr<EventLoop> loop);
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace llrun
