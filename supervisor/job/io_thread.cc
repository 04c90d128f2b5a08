#include "supervisor/job/io_thread.h"

#include <utility>

#include "base/thread.h"

namespace llrun {

Result<std::unique_ptr<IoThread>> IoThread::start() {
  LLRUN_TRY_ASSIGN(auto loop, EventLoop::create());
  std::unique_ptr<IoThread> self(new IoThread(std::move(loop)));
  // Signals are the control thread's business (SIGCHLD by signalfd).
  LLRUN_TRY_ASSIGN(self->thread_,
                   make_thread_without_signals([raw = self.get()] { raw->loop_->run(); }));
  return self;
}

IoThread::IoThread(std::unique_ptr<EventLoop> loop) : loop_(std::move(loop)) {}

IoThread::~IoThread() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

}  // namespace llrun
