#include "netproxy/homefs/notice_thread.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/thread.h"
#include "netproxy/homefs/device_thread.h"
#include "netproxy/homefs/own_descriptors.h"

namespace llrun::homefs {

namespace {

std::size_t cost_of(std::span<const std::byte> frame) { return frame.size() + sizeof(Frame); }

}  // namespace

Result<std::unique_ptr<NoticeThread>> NoticeThread::start(Fd clone) {
  std::unique_ptr<NoticeThread> self(new NoticeThread(std::move(clone)));
  LLRUN_TRY_ASSIGN(self->thread_, make_thread([raw = self.get(), number = self->clone_.get()] {
                     raw->run(number);
                   }));
  std::unique_lock lock(self->mutex_);
  self->changed_.wait(lock, [&] { return self->started_; });
  self->clone_.reset();
  const Result<> started = self->start_result_;
  lock.unlock();
  LLRUN_TRY(started);
  return self;
}

NoticeThread::~NoticeThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool NoticeThread::post(std::span<const std::byte> frame) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes_ + cost_of(frame) > kMostBytes) return false;
    bytes_ += cost_of(frame);
    frames_.emplace_back(frame.begin(), frame.end());
  }
  changed_.notify_all();
  return true;
}

void NoticeThread::run(int clone) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  ::pthread_setname_np(::pthread_self(), "file-notices");
  const auto own = keep_only({clone});
  {
    const std::lock_guard lock(mutex_);
    start_result_ = own;
    started_ = true;
  }
  changed_.notify_all();
  write_until_stopped(clone);
  ::close(clone);
}

void NoticeThread::write_until_stopped(int clone) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !frames_.empty(); });
    if (stopping_) return;
    const Frame frame = std::move(frames_.front());
    frames_.pop_front();
    bytes_ -= cost_of(frame);
    lock.unlock();
    // ENOENT and the like: the kernel does not know the name any more, which is as well.
    static_cast<void>(write_frame(clone, frame));
    lock.lock();
  }
}

}  // namespace llrun::homefs
