// SendQueue: frames waiting for a descriptor that takes them more slowly than they are made.
//
// A frame that finds nothing queued before it is written at once by the thread that sends it, as
// far as the descriptor takes it without blocking: a request that somebody waits for does not cost
// a change of threads. What is left, and all that comes after it, is carried by the writer thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "base/result.h"
#include "imagefmt/wire.h"
#include "netproxy/channel/nowait_write.h"
#include "netproxy/channel/payload.h"
#include "netproxy/channel/vector_writer.h"

namespace llrun {

class SendQueue {
 public:
  // `on_failure` is called at most once, on any thread, without locks held.
  [[nodiscard]] static Result<std::unique_ptr<SendQueue>> start(
      Fd out, std::function<void(Error)> on_failure, WriterKind kind = WriterKind::kBest);
  ~SendQueue();  // stop()
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  void push(const wire::FrameHeader& header, Payload payload);
  [[nodiscard]] Result<> wait_below(std::size_t bound);  // kGone when the queue has ended
  [[nodiscard]] Result<> flush(std::chrono::milliseconds timeout);
  void stop();  // drops what is queued, wakes every waiter, ends the writer thread

  [[nodiscard]] std::size_t queued_bytes() const { return queued_.load(); }
  [[nodiscard]] std::uint64_t bytes_sent() const { return sent_.load(); }
  [[nodiscard]] bool uses_io_uring() const { return writer_->is_io_uring(); }

 private:
  struct OutFrame {
    std::array<std::byte, sizeof(wire::FrameHeader)> header;
    Payload payload;
    std::size_t done = 0;  // bytes of both that the descriptor has taken
    [[nodiscard]] std::size_t left() const { return header.size() + payload.size() - done; }
  };
  static constexpr std::size_t kPiecesAtOnce = 64;
  using Pieces = std::array<iovec, kPiecesAtOnce>;

  SendQueue(Fd out, Fd stop_fd, std::function<void(Error)> on_failure);
  static std::size_t pieces_of(const std::deque<OutFrame>& frames, Pieces& pieces);
  [[nodiscard]] Result<> try_now(OutFrame& frame);
  void advance(std::deque<OutFrame>& frames, std::size_t count);
  void account(std::size_t count);
  void run_writer();
  [[nodiscard]] Result<> write_batch(std::deque<OutFrame>& batch);
  void fail(Error error);

  Fd out_, stop_fd_;
  std::function<void(Error)> on_failure_;
  NowaitWrite now_;
  std::unique_ptr<VectorWriter> writer_;
  std::mutex mutex_;
  std::condition_variable work_, progress_;
  std::deque<OutFrame> waiting_;  // guarded by mutex_
  bool writing_ = false;          // the writer thread holds frames; guarded
  bool ended_ = false;            // stopped or failed; guarded
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::uint64_t> sent_{0};
  std::thread thread_;
};

}  // namespace llrun
