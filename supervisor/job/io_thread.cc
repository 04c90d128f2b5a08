#include "supervisor/job/io_thread.h"

#include <csignal>
#include <utility>

namespace llrun {

Result<std::unique_ptr<IoThread>> IoThread::start() {
  LLRUN_TRY_ASSIGN(auto loop, EventLoop::create());
  return std::unique_ptr<IoThread>(new IoThread(std::move(loop)));
}

IoThread::IoThread(std::unique_ptr<EventLoop> loop) : loop_(std::move(loop)) {
  // Signals are the control thread's business (SIGCHLD by signalfd).
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop_->run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

IoThread::~IoThread() {
  loop_->stop();
  thread_.join();
}

}  // namespace llrun
