#include "netproxy/channel/channel.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "netproxy/channel/frame_buffer.h"
#include "netproxy/channel/send_queue.h"

namespace llrun {

// What the callbacks of the loop and the writer thread refer to. It may outlive the Channel for the
// rest of a callback that destroys it; `open` is false then, and nothing more is called.
struct Channel::State : std::enable_shared_from_this<Channel::State> {
  State(EventLoop& the_loop, Fd input, ChannelCallbacks the_callbacks)
      : loop(the_loop), in(std::move(input)), callbacks(std::move(the_callbacks)) {}

  EventLoop& loop;
  Fd in;
  ChannelCallbacks callbacks;
  FrameBuffer buffer;
  std::unique_ptr<SendQueue> queue;
  std::atomic<std::uint64_t> received{0};
  bool open = true;  // the loop's thread only

  void close() {
    if (!std::exchange(open, false)) return;
    loop.unwatch(in.get());
    queue->stop();
  }

  void end(const Error& error) {
    if (!open) return;
    close();
    const auto on_closed = callbacks.on_closed;  // the callback may destroy its own owner
    on_closed(error);
  }

  void dispatch_frames() {
    const auto on_frame = callbacks.on_frame;
    while (open) {
      const auto frame = buffer.next();
      if (!frame) return end(frame.error());
      if (!*frame) return;
      on_frame((*frame)->header, (*frame)->payload);
    }
  }

  [[nodiscard]] Error end_of_stream() const {
    if (buffer.within_frame())
      return {ErrorCode::kGone, 0, "receive: the other end has closed the channel within a frame"};
    return {ErrorCode::kGone, 0, "receive: the other end has closed the channel"};
  }

  void read_some() {
    const auto room = buffer.room();
    const ssize_t count = ::read(in.get(), room.data(), room.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count < 0 && errno != ECONNRESET) return end(system_error("receive on a channel").error());
    if (count <= 0) return end(end_of_stream());
    received += static_cast<std::uint64_t>(count);
    buffer.filled(static_cast<std::size_t>(count));
    dispatch_frames();
  }

  // The other side may have said why before it closed: hear what has arrived, then end. Bounded by
  // what a peer that does not read can have put on its way.
  void end_after_reading(const Error& error) {
    for (int reads = 0; open && reads < 1024; ++reads) {
      pollfd entry{in.get(), POLLIN, 0};
      if (::poll(&entry, 1, 0) != 1 || (entry.revents & POLLIN) == 0) break;
      read_some();
    }
    end(error);
  }
};

Channel::Channel(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Channel>> Channel::open(EventLoop& loop, Fd in, Fd out,
                                               ChannelCallbacks callbacks) {
  auto state = std::make_shared<State>(loop, std::move(in), std::move(callbacks));
  const std::weak_ptr<State> weak = state;
  LLRUN_TRY_ASSIGN(state->queue, SendQueue::start(std::move(out), [weak, &loop](Error error) {
                     loop.post([weak, error = std::move(error)] {
                       if (const auto alive = weak.lock()) alive->end_after_reading(error);
                     });
                   }));
  LLRUN_TRY(loop.watch(state->in.get(), EPOLLIN, [weak](std::uint32_t) {
    if (const auto alive = weak.lock(); alive && alive->open) alive->read_some();
  }));
  return std::unique_ptr<Channel>(new Channel(std::move(state)));
}

Channel::~Channel() { close(); }

void Channel::close() { state_->close(); }

void Channel::send(wire::FrameType type, std::uint32_t epoch, std::uint32_t stream,
                   Payload payload) {
  if (payload.size() > wire::kMaxPayload) {
    const Error error{ErrorCode::kInvalid, 0,
                      "send: a frame of " + std::to_string(payload.size()) +
                          " bytes is larger than a frame may be"};
    state_->loop.post([weak = std::weak_ptr(state_), error] {
      if (const auto alive = weak.lock()) alive->end(error);
    });
    return;
  }
  wire::FrameHeader header{static_cast<std::uint32_t>(payload.size()), type, 0, epoch, stream};
  state_->queue->push(header, std::move(payload));
}

Result<> Channel::send_bulk(wire::FrameType type, std::uint32_t epoch, std::uint32_t stream,
                            Payload payload) {
  LLRUN_TRY(state_->queue->wait_below(kBulkBound));
  send(type, epoch, stream, std::move(payload));
  return {};
}

Result<> Channel::flush(std::chrono::milliseconds timeout) { return state_->queue->flush(timeout); }

std::size_t Channel::queued_bytes() const { return state_->queue->queued_bytes(); }
std::uint64_t Channel::bytes_sent() const { return state_->queue->bytes_sent(); }
std::uint64_t Channel::bytes_received() const { return state_->received.load(); }
bool Channel::uses_io_uring() const { return state_->queue->uses_io_uring(); }

}  // namespace llrun
