#include "netproxy/channel/send_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/thread.h"

namespace llrun {
namespace {
// Larger frames are not tried on the sender's thread: copying them would hold up the other senders.
constexpr std::size_t kTryNowBound = 64U << 10;

std::unexpected<Error> ended() { return failure(ErrorCode::kGone, "send: the channel has ended"); }

}  // namespace

SendQueue::SendQueue(Fd out, Fd stop_fd, std::function<void(Error)> on_failure)
    : out_(std::move(out)),
      stop_fd_(std::move(stop_fd)),
      on_failure_(std::move(on_failure)),
      now_(out_.get()) {}

Result<std::unique_ptr<SendQueue>> SendQueue::start(Fd out, std::function<void(Error)> on_failure,
                                                    WriterKind kind) {
  Fd stop_fd(::eventfd(0, EFD_CLOEXEC));
  if (!stop_fd.valid()) return system_error("create an eventfd");
  std::unique_ptr<SendQueue> queue(
      new SendQueue(std::move(out), std::move(stop_fd), std::move(on_failure)));
  LLRUN_TRY(queue->now_.prepare());
  LLRUN_TRY_ASSIGN(queue->writer_,
                   make_vector_writer(queue->out_.get(), queue->stop_fd_.get(), kind));
  LLRUN_TRY_ASSIGN(queue->thread_,
                   make_thread_without_signals([raw = queue.get()] { raw->run_writer(); }));
  return queue;
}

SendQueue::~SendQueue() { stop(); }

void SendQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    waiting_.clear();
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_.get(), &one, sizeof one);
  work_.notify_all();
  progress_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::size_t SendQueue::pieces_of(const std::deque<OutFrame>& frames, Pieces& pieces) {
  std::size_t count = 0;
  const auto add = [&](std::span<const std::byte> bytes, std::size_t done) {
    if (done < bytes.size())
      pieces[count++] = {const_cast<std::byte*>(bytes.data()) + done, bytes.size() - done};
  };
  for (const auto& frame : frames) {
    if (count + 2 > pieces.size()) break;
    const std::size_t head = frame.header.size();
    add(frame.header, frame.done);
    add(frame.payload.bytes(), frame.done > head ? frame.done - head : 0);
  }
  return count;
}

void SendQueue::account(std::size_t count) {
  queued_ -= count;
  sent_ += count;
}

void SendQueue::advance(std::deque<OutFrame>& frames, std::size_t count) {
  account(count);
  while (count > 0) {
    auto& first = frames.front();
    const std::size_t taken = std::min(count, first.left());
    first.done += taken;
    count -= taken;
    if (first.left() == 0) frames.pop_front();
  }
}

Result<> SendQueue::try_now(OutFrame& frame) {
  const auto payload = frame.payload.bytes();
  const std::array<iovec, 2> pieces{{{frame.header.data(), frame.header.size()},
                                     {const_cast<std::byte*>(payload.data()), payload.size()}}};
  LLRUN_TRY_ASSIGN(const std::size_t count, now_.write(pieces));
  frame.done = count;
  account(count);
  return {};
}

void SendQueue::push(const wire::FrameHeader& header, Payload payload) {
  OutFrame frame{wire::encode(header), std::move(payload)};
  Result<> tried;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    queued_ += frame.left();
    if (waiting_.empty() && !writing_ && frame.left() <= kTryNowBound) tried = try_now(frame);
    if (tried && frame.left() == 0) return;
    if (tried) waiting_.push_back(std::move(frame));
  }
  if (!tried) return fail(tried.error());
  work_.notify_one();
}

Result<> SendQueue::wait_below(std::size_t bound) {
  std::unique_lock lock(mutex_);
  progress_.wait(lock, [&] { return ended_ || queued_ < bound; });
  if (ended_) return ended();
  return {};
}

Result<> SendQueue::flush(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const bool done = progress_.wait_for(
      lock, timeout, [this] { return ended_ || (waiting_.empty() && !writing_); });
  if (ended_) return ended();
  if (!done) return failure(ErrorCode::kTimeout, "send: the other end does not read");
  return {};
}

Result<> SendQueue::write_batch(std::deque<OutFrame>& batch) {
  Pieces pieces;
  while (!batch.empty()) {
    const std::size_t count = pieces_of(batch, pieces);
    LLRUN_TRY_ASSIGN(const std::size_t written, writer_->write(std::span(pieces).first(count)));
    // Under the lock, so that a waiter cannot look between the change and the notice of it.
    const std::lock_guard lock(mutex_);
    advance(batch, written);
    progress_.notify_all();
  }
  return {};
}

void SendQueue::run_writer() {
  std::deque<OutFrame> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      writing_ = false;
      progress_.notify_all();
      work_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
      if (ended_) return;
      batch.swap(waiting_);
      writing_ = true;
    }
    if (auto done = write_batch(batch); !done) return fail(done.error());
  }
}

void SendQueue::fail(Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    waiting_.clear();
    work_.notify_all();
    progress_.notify_all();
  }
  on_failure_(std::move(error));
}

}  // namespace llrun
