// Link: frames between the two supervisors of a job, each handled exactly once although connections may fail.
//
// Numbered frames are kept until the other side has acknowledged them and are sent again over the next
// connection (docs/protocol.md). One Link lives as long as the job is away; Channels come and go beneath it.
// Callbacks run on the event loop's thread; send() may be called from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/event_loop.h"
#include "imagefmt/wire.h"
#include "netproxy/channel/channel.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun {

class Link {
 public:
  struct Callbacks {
    std::function<void(const wire::FrameHeader&, std::span<const std::byte>)> on_frame;
    std::function<void(const Error&)> on_lost;  // this connection is gone; the link waits for another
  };

  Link(EventLoop& loop, Callbacks callbacks);
  ~Link();

  // Use this connection from now on, on which the Hellos have been exchanged.
  [[nodiscard]] Result<> connect(Fd in, Fd out);
  // A connection after a failure: exchanges what each side has received, then sends the rest again.
  [[nodiscard]] Result<> reconnect(Fd in, Fd out);
  // A frame read during a hello exchange on a reconnect tells what the other side expects next.
  void disconnect();

  void send(wire::FrameType type, std::uint32_t stream, std::string payload);
  void send(const protocol::JobMessage& message);
  // Pages: not kept. Blocks while much is queued; false when the connection is gone.
  [[nodiscard]] bool send_pages(std::uint64_t address, std::span<const std::byte> bytes);

  void set_epoch(std::uint32_t epoch) { epoch_ = epoch; }
  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
  [[nodiscard]] bool connected() const { return channel_ != nullptr; }
  [[nodiscard]] EventLoop::Clock::time_point last_heard() const { return last_heard_; }
  [[nodiscard]] std::uint64_t bytes_sent() const;

 private:
  struct Kept {
    std::uint64_t number;
    wire::FrameType type;
    std::uint32_t epoch;
    std::uint32_t stream;
    std::string payload;
  };
  void receive(const wire::FrameHeader& header, std::span<const std::byte> payload);
  void acknowledge(std::span<const std::byte> payload);
  void forget_up_to(std::uint64_t received);
  void send_keep_alive();
  void lost(const Error& error);

  EventLoop& loop_;
  Callbacks callbacks_;
  std::shared_ptr<Channel> channel_;
  mutable std::mutex mutex_;  // guards kept_, next_number_, and the order of sends
  std::deque<Kept> kept_;
  std::uint64_t next_number_ = 0;  // of the next frame sent
  std::uint64_t received_ = 0;     // numbered frames handled
  std::uint64_t acknowledged_ = 0; // of ours, by the other side
  std::atomic<std::uint32_t> epoch_ = 0;
  EventLoop::Clock::time_point last_heard_ = EventLoop::Clock::now();
  EventLoop::TimerId keep_alive_timer_ = 0;
  std::uint64_t bytes_before_ = 0;
};

}  // namespace llrun
