#include "netproxy/homefs/fuse_relay.h"

#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>

#include "base/bytes.h"
#include "netproxy/homefs/frame_check.h"

namespace llrun::homefs {
namespace {

// Frames from this size on are handed over in the buffer they were read into instead of being
// copied.
constexpr std::size_t kHandOver = std::size_t{64} << 10;

// Notifications that take no lock a guest's request could hold: those that only forget attributes
// (fs/fuse/inode.c: fuse_reverse_inval_inode with a negative offset). Their order before a reply
// matters.
bool never_waits(std::span<const std::byte> frame, const fuse_out_header& header) {
  fuse_notify_inval_inode_out body;
  if (header.error != FUSE_NOTIFY_INVAL_INODE || frame.size() != sizeof header + sizeof body)
    return false;
  std::memcpy(&body, frame.data() + sizeof header, sizeof body);
  return body.off < 0;
}

Result<> write_frame(int fd, std::span<const std::byte> frame) {
  const auto written = ::write(fd, frame.data(), frame.size());
  if (written == static_cast<ssize_t>(frame.size()) || errno == ENOENT) return {};  // asker is gone
  if (errno == ENODEV || errno == ENOTCONN)
    return failure(ErrorCode::kGone, "the file view's mount");
  if (errno == EINVAL) return failure(ErrorCode::kProtocol, "the kernel refused a file view reply");
  return system_error("write to /dev/fuse");
}

}  // namespace

// Writes notifications in order. Telling the kernel that a name is gone takes the lock of its
// directory, which a guest may hold while it waits for a reply that only the relay's thread can
// bring.
class FuseRelay::Notifier {
 public:
  explicit Notifier(int fd) : fd_(fd), thread_([this] { run(); }) {}
  ~Notifier() { thread_.join(); }  // after stop()
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
  }
  [[nodiscard]] bool stopped() const { return stopped_.load(); }
  void post(std::span<const std::byte> frame) {
    {
      const std::lock_guard lock(mutex_);
      frames_.emplace_back(frame.begin(), frame.end());
    }
    changed_.notify_one();
  }

 private:
  void run() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    write_until_stopped();
    stopped_.store(true);
  }
  void write_until_stopped() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !frames_.empty(); });
      if (stopping_) return;
      const Frame frame = std::move(frames_.front());
      frames_.pop_front();
      lock.unlock();
      // ENOENT and the like: the kernel does not know the name any more, which is as well.
      static_cast<void>(write_frame(fd_, frame));
      lock.lock();
    }
  }

  int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Frame> frames_;
  bool stopping_ = false;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

FuseRelay::FuseRelay(Fd fuse_device, OnRequest on_request)
    : device_(std::move(fuse_device)), on_request_(std::move(on_request)), buffer_(kMaxFrame) {}

Result<std::unique_ptr<FuseRelay>> FuseRelay::create(Fd fuse_device, OnRequest on_request) {
  LLRUN_TRY(set_nonblocking(fuse_device.get(), true));
  std::unique_ptr<FuseRelay> relay(new FuseRelay(std::move(fuse_device), std::move(on_request)));
  relay->notifier_ = std::make_unique<Notifier>(relay->device_.get());
  return relay;
}

FuseRelay::~FuseRelay() { abort(); }

Result<> FuseRelay::on_readable() {
  while (true) {
    LLRUN_TRY_ASSIGN(const bool more, pass_one());
    if (!more) return {};
  }
}

Result<bool> FuseRelay::pass_one() {
  if (!device_.valid()) return failure(ErrorCode::kGone, "the file view's mount");
  const auto count = ::read(device_.get(), buffer_.data(), buffer_.size());
  if (count < 0) {
    if (errno == EAGAIN) return false;
    if (errno == ENOENT || errno == EINTR) return true;  // a request taken back
    if (errno == ENODEV || errno == ECONNABORTED)
      return failure(ErrorCode::kGone, "the file view's mount");
    return system_error("read /dev/fuse");
  }
  fuse_in_header header;
  if (static_cast<std::size_t>(count) < sizeof header)
    return failure(ErrorCode::kProtocol, "a short frame from /dev/fuse");
  std::memcpy(&header, buffer_.data(), sizeof header);
  if (expects_reply(header.opcode)) waiting_.insert(header.unique);
  on_request_(take_frame(static_cast<std::size_t>(count)));
  return true;
}

Frame FuseRelay::take_frame(std::size_t size) {
  if (size < kHandOver)
    return {buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size)};
  Frame whole = std::exchange(buffer_, Frame(kMaxFrame));
  whole.resize(size);
  return whole;
}

Result<> FuseRelay::write_reply(std::span<const std::byte> frame) {
  fuse_out_header header;
  if (frame.size() < sizeof header || frame.size() > kMaxFrame)
    return failure(ErrorCode::kProtocol, "a file view reply of impossible length");
  if (!device_.valid()) return failure(ErrorCode::kGone, "the file view's mount");
  std::memcpy(&header, frame.data(), sizeof header);
  if (header.unique == 0 && !never_waits(frame, header)) {
    notifier_->post(frame);
    return {};
  }
  waiting_.erase(header.unique);
  if (header.unique != 0) return write_frame(device_.get(), frame);
  static_cast<void>(
      write_frame(device_.get(), frame));  // of a node the kernel forgot: nothing to do
  return {};
}

// A notification under way may wait for a request that nobody will answer any more, and would keep
// the descriptor open, and so the request waiting. So each request is answered first.
void FuseRelay::abort() {
  if (!device_.valid()) return;
  on_request_ = [](Frame) {};
  notifier_->stop();
  while (!notifier_->stopped()) {
    refuse_waiting();
    pollfd readable{.fd = device_.get(), .events = POLLIN, .revents = 0};
    ::poll(&readable, 1, 10);
    static_cast<void>(on_readable());
  }
  notifier_.reset();
  device_.reset();
}

void FuseRelay::refuse_waiting() {
  for (const auto unique : waiting_) {
    const fuse_out_header refusal{.len = sizeof refusal, .error = -ECONNABORTED, .unique = unique};
    static_cast<void>(write_frame(device_.get(), bytes_of(refusal)));
  }
  waiting_.clear();
}

}  // namespace llrun::homefs
