// Channel: frames between two nodes over a pair of descriptors: a socket, two pipes, the stdio of
// ssh.
//
// Sending is queued and keeps its order; a writer thread (io_uring where the site allows it)
// carries what the descriptor does not take at once. Receiving happens on the event loop's thread.
// A channel ends exactly once: on_closed says why, in words; afterwards nothing is called and what
// is sent is dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"
#include "imagefmt/wire.h"
#include "netproxy/channel/payload.h"

namespace llrun {

struct ChannelCallbacks {
  // A whole frame. `payload` is valid during the call only. The callback may destroy the channel.
  std::function<void(const wire::FrameHeader&, std::span<const std::byte> payload)> on_frame;
  // The end: kGone when the other side has closed, kProtocol when it sent nonsense, kSystem when
  // the descriptor failed, kInvalid when a frame sent here was too large. The callback may destroy
  // the channel.
  std::function<void(const Error&)> on_closed;
};

class Channel {
 public:
  static constexpr std::size_t kBulkBound = 8U << 20;  // bytes queued at which send_bulk() waits

  // `in` and `out` may be duplicates of one socket. Their file status flags are left as they are,
  // but for O_NONBLOCK on `out` where neither io_uring nor RWF_NOWAIT is to be had. The callbacks
  // run on the thread of `loop`; the channel is opened and destroyed there too, before the loop.
  [[nodiscard]] static Result<std::unique_ptr<Channel>> open(EventLoop& loop, Fd in, Fd out,
                                                             ChannelCallbacks callbacks);
  ~Channel();  // closes: what is still queued is dropped (flush() first where it matters)
  // On the loop's thread: no callback comes any more, and whoever waits to send is told that the
  // channel has ended, also when he is what keeps it from being destroyed.
  void close();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Any thread. Never blocks. A payload over wire::kMaxPayload ends the channel with kInvalid.
  void send(wire::FrameType type, std::uint32_t epoch, std::uint32_t stream, Payload payload);
  // Any thread but the loop's: as send(), but waits while kBulkBound bytes are queued, so that a
  // stream of pages needs bounded memory. kGone once the channel has ended.
  [[nodiscard]] Result<> send_bulk(wire::FrameType type, std::uint32_t epoch, std::uint32_t stream,
                                   Payload payload);
  // Wait until everything queued has been taken by the descriptor. kTimeout, or kGone.
  [[nodiscard]] Result<> flush(std::chrono::milliseconds timeout);

  [[nodiscard]] std::size_t queued_bytes() const;  // not yet taken by the descriptor
  [[nodiscard]] std::uint64_t bytes_sent() const;  // headers included
  [[nodiscard]] std::uint64_t bytes_received() const;
  [[nodiscard]] bool uses_io_uring() const;

 private:
  struct State;
  explicit Channel(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace llrun
