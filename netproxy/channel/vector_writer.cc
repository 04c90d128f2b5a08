#include "netproxy/channel/vector_writer.h"

#include <liburing.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/log.h"
#include "netproxy/channel/nowait_write.h"

namespace llrun {
namespace {

std::unexpected<Error> stopped() {
  return failure(ErrorCode::kGone, "send: this end has closed the channel");
}

std::unexpected<Error> write_error(int errno_value) {
  if (errno_value == EPIPE || errno_value == ECONNRESET)
    return failure(ErrorCode::kGone, "send: the other end has closed the channel");
  return system_error("send on a channel", errno_value);
}

class PlainWriter final : public VectorWriter {
 public:
  PlainWriter(int out, int stop_fd, NowaitWrite writer)
      : out_(out), stop_fd_(stop_fd), writer_(writer) {}

  Result<std::size_t> write(std::span<const iovec> pieces) override {
    for (;;) {
      std::array<pollfd, 2> watched{{{out_, POLLOUT, 0}, {stop_fd_, POLLIN, 0}}};
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
        return system_error("wait for room on a channel");
      if (watched[1].revents != 0) return stopped();
      if (watched[0].revents == 0) continue;
      LLRUN_TRY_ASSIGN(const std::size_t count, writer_.write(pieces));
      if (count > 0) return count;
    }
  }
  bool is_io_uring() const override { return false; }

 private:
  int out_, stop_fd_;
  NowaitWrite writer_;
};

// What a completion belongs to.
constexpr std::uint64_t kWrite = 1, kRoom = 2, kStop = 3, kCancel = 4;

struct Completion {
  std::uint64_t what;
  int result;
};

class RingWriter final : public VectorWriter {
 public:
  RingWriter(int out, int stop_fd) : out_(out), stop_fd_(stop_fd) {}
  ~RingWriter() override {
    if (made_) io_uring_queue_exit(&ring_);
  }

  Result<> prepare() {
    const int made = io_uring_queue_init(8, &ring_, 0);
    if (made < 0) return system_error("set up io_uring", -made);
    made_ = true;
    auto* entry = next_entry();
    io_uring_prep_poll_add(entry, stop_fd_, POLLIN);
    io_uring_sqe_set_data64(entry, kStop);
    const int submitted = io_uring_submit(&ring_);
    if (submitted < 0) return system_error("submit to io_uring", -submitted);
    return {};
  }

  Result<std::size_t> write(std::span<const iovec> pieces) override {
    for (;;) {
      auto* entry = next_entry();
      // Offset -1: the current one, which is what pipes and sockets take.
      io_uring_prep_writev(entry, out_, pieces.data(), static_cast<unsigned>(pieces.size()),
                           static_cast<__u64>(-1));
      io_uring_sqe_set_data64(entry, kWrite);
      LLRUN_TRY_ASSIGN(const int result, outcome_of(kWrite));
      if (result > 0) return static_cast<std::size_t>(result);
      if (result != -EAGAIN && result != -EINTR) return write_error(-result);
      LLRUN_TRY(wait_for_room());  // somebody else has made the description O_NONBLOCK
    }
  }
  bool is_io_uring() const override { return true; }

 private:
  io_uring_sqe* next_entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    LLRUN_CHECK(entry != nullptr, "the ring holds eight entries, at most three are in use");
    return entry;
  }

  Result<> wait_for_room() {
    auto* entry = next_entry();
    io_uring_prep_poll_add(entry, out_, POLLOUT);
    io_uring_sqe_set_data64(entry, kRoom);
    LLRUN_TRY_ASSIGN(const int ready, outcome_of(kRoom));
    if (ready < 0 && ready != -EINTR) return write_error(-ready);
    return {};
  }

  void cancel(std::uint64_t what) {
    auto* entry = next_entry();
    io_uring_prep_cancel64(entry, what, 0);
    io_uring_sqe_set_data64(entry, kCancel);
  }

  // Submit what is prepared and wait for a completion.
  Result<Completion> next_completion() {
    for (;;) {
      const int waited = io_uring_submit_and_wait(&ring_, 1);
      if (waited < 0 && waited != -EINTR && waited != -EAGAIN && waited != -EBUSY)
        return system_error("wait for io_uring", -waited);
      io_uring_cqe* entry = nullptr;
      if (io_uring_peek_cqe(&ring_, &entry) != 0) continue;
      const Completion completion{entry->user_data, entry->res};
      io_uring_cqe_seen(&ring_, entry);
      return completion;
    }
  }

  // The result of `what`; a stop meanwhile cancels it. It has always completed when this returns:
  // the kernel reads the caller's bytes until then.
  Result<int> outcome_of(std::uint64_t what) {
    if (stop_seen_) cancel(what);
    for (;;) {
      LLRUN_TRY_ASSIGN(const auto completion, next_completion());
      if (completion.what == what) {
        if (stop_seen_ && completion.result <= 0) return stopped();
        return completion.result;
      }
      if (completion.what != kStop) continue;
      stop_seen_ = true;
      cancel(what);
    }
  }

  int out_, stop_fd_;
  io_uring ring_{};
  bool made_ = false, stop_seen_ = false;
};

}  // namespace

Result<std::unique_ptr<VectorWriter>> make_vector_writer(int out, int stop_fd, WriterKind kind) {
  if (kind == WriterKind::kBest) {
    auto ring = std::make_unique<RingWriter>(out, stop_fd);
    if (const auto ready = ring->prepare())
      return ring;
    else
      log::debug("channel: {}; writing without it", ready.error().message());
  }
  NowaitWrite writer(out);
  LLRUN_TRY(writer.prepare());
  return std::make_unique<PlainWriter>(out, stop_fd, writer);
}

}  // namespace llrun
