#include "netproxy/homefs/device_thread.h"

#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/event_fd.h"
#include "base/thread.h"
#include "netproxy/homefs/frame_check.h"
#include "netproxy/homefs/own_descriptors.h"

namespace llrun::homefs {
namespace {

// Frames from this size on are handed over in the buffer they were read into instead of being
// copied.
constexpr std::size_t kHandOver = std::size_t{64} << 10;

}  // namespace

Result<> write_frame(int device, std::span<const std::byte> frame) {
  const auto written = ::write(device, frame.data(), frame.size());
  if (written == static_cast<ssize_t>(frame.size()) || errno == ENOENT) return {};
  if (errno == ENODEV || errno == ENOTCONN)
    return failure(ErrorCode::kGone, "the file view's mount");
  if (errno == EINVAL) return failure(ErrorCode::kProtocol, "the kernel refused a file view reply");
  return system_error("write to /dev/fuse");
}

Result<std::unique_ptr<DeviceThread>> DeviceThread::start(Fd device) {
  LLRUN_TRY_ASSIGN(Fd wake, make_event());
  LLRUN_TRY_ASSIGN(Fd arrived, make_event());
  std::unique_ptr<DeviceThread> self(
      new DeviceThread(std::move(device), std::move(wake), std::move(arrived)));
  LLRUN_TRY_ASSIGN(self->thread_, make_thread([raw = self.get(), number = self->device_.get()] {
                     raw->run(number);
                   }));
  std::unique_lock lock(self->mutex_);
  self->start_seen_.wait(lock, [&] { return self->started_; });
  self->device_.reset();
  const Result<> started = self->start_result_;
  lock.unlock();
  LLRUN_TRY(started);
  return self;
}

DeviceThread::~DeviceThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  signal_event(wake_);
  if (thread_.joinable()) thread_.join();
}

Result<std::vector<Frame>> DeviceThread::take() {
  clear_event(arrived_);
  const std::lock_guard lock(mutex_);
  if (requests_.empty() && !ended_) return std::unexpected(ended_.error());
  if (!ended_) signal_event(arrived_);  // to be told when these have been taken
  return std::exchange(requests_, {});
}

void DeviceThread::write(std::span<const std::byte> frame) {
  {
    const std::lock_guard lock(mutex_);
    replies_.emplace_back(frame.begin(), frame.end());
    if (replies_.size() > 1) return;  // it is on its way to them
  }
  signal_event(wake_);
}

void DeviceThread::refuse_all() {
  refusing_ = true;
  signal_event(wake_);
}

void DeviceThread::run(int device) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  ::pthread_setname_np(::pthread_self(), "file-view");
  const auto own = keep_only({device, wake_.get(), arrived_.get()});
  {
    const std::lock_guard lock(mutex_);
    start_result_ = own;
    started_ = true;
  }
  start_seen_.notify_one();
  for (bool mounted = own.has_value();;) {
    std::array<pollfd, 2> ready{{{wake_.get(), POLLIN, 0}, {mounted ? device : -1, POLLIN, 0}}};
    while (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) {
    }
    clear_event(wake_);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    write_queued(device);
    if (mounted) mounted = read_some(device);
    if (refusing_) refuse_waiting(device);
  }
  // Before the thread is seen to have ended, which is earlier than the kernel closes its table.
  ::close(device);
}

void DeviceThread::write_queued(int device) {
  std::deque<Frame> replies;
  {
    const std::lock_guard lock(mutex_);
    replies.swap(replies_);
  }
  for (const Frame& frame : replies) {
    fuse_out_header header;
    std::memcpy(&header, frame.data(), sizeof header);
    if (header.unique != 0 && waiting_.erase(header.unique) != 0) --pending_;
    // The kernel itself fails a request whose reply it refuses (EIO); what else may be wrong is
    // that nobody waits for it any more.
    [[maybe_unused]] const auto written = write_frame(device, frame);
  }
}

bool DeviceThread::read_some(int device) {
  for (;;) {
    if (buffer_.empty()) buffer_.resize(kMaxFrame);
    const auto count = ::read(device, buffer_.data(), buffer_.size());
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0 && (errno == ENOENT || errno == EINTR)) continue;  // a request taken back
    if (count < 0 && (errno == ENODEV || errno == ECONNABORTED)) {
      end(Error{ErrorCode::kGone, 0, "the file view's mount"});
      return false;
    }
    fuse_in_header header;
    if (count < 0 || static_cast<std::size_t>(count) < sizeof header) {
      end(Error{ErrorCode::kProtocol, count < 0 ? errno : 0, "read a frame from /dev/fuse"});
      return false;
    }
    std::memcpy(&header, buffer_.data(), sizeof header);
    if (expects_reply(header.opcode)) {
      waiting_.insert(header.unique);
      ++pending_;
    }
    if (!refusing_) hand_over(take_frame(static_cast<std::size_t>(count)));
  }
}

Frame DeviceThread::take_frame(std::size_t size) {
  if (size < kHandOver)
    return {buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size)};
  Frame whole = std::exchange(buffer_, {});
  whole.resize(size);
  return whole;
}

void DeviceThread::hand_over(Frame frame) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(frame));
    if (requests_.size() > 1) return;
  }
  signal_event(arrived_);
}

void DeviceThread::end(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) ended_ = std::unexpected(error);
  }
  signal_event(arrived_);
}

void DeviceThread::refuse_waiting(int device) {
  for (const auto unique : waiting_) {
    const fuse_out_header refusal{.len = sizeof refusal, .error = -ECONNABORTED, .unique = unique};
    [[maybe_unused]] const auto written = write_frame(device, bytes_of(refusal));
  }
  waiting_.clear();
  pending_ = 0;
}

}  // namespace llrun::homefs
