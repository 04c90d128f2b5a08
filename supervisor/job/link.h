// Link: frames between the two supervisors of a job, each handled exactly once although connections
// may fail.
//
// Numbered frames are kept until the other side has acknowledged them, and sent again over the next
// connection (docs/protocol.md). One Link lives as long as the job is away; channels come and go
// beneath it. Pages are not numbered: a transfer that loses its connection starts again, and their
// flow is bounded by what the other side has landed. What is kept is bounded by whoever makes
// frames of what others want: while the link is full he takes up nothing more. Callbacks run on the
// event loop's thread; sending is for any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/event_loop.h"
#include "imagefmt/wire.h"
#include "netproxy/channel/channel.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun {

class Link {
 public:
  static constexpr auto kKeepAlivePeriod = std::chrono::seconds(2);
  static constexpr std::uint64_t kPagesWindow = 32 << 20;  // bytes sent and not yet landed
  static constexpr std::uint64_t kMostKept = 64 << 20;     // beyond it the link is full

  struct Callbacks {
    std::function<void(const wire::FrameHeader&, std::span<const std::byte>)> on_frame;
    std::function<void(const Error&)>
        on_lost;  // this connection is gone; the link waits for another
    // The other side has said what it has received: a link that was full may have room now.
    std::function<void()> on_acknowledged = {};
  };

  Link(EventLoop& loop, Callbacks callbacks);
  ~Link();  // on the loop's thread, or after the loop has ended
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Use this connection, on which the Hellos have been exchanged: the first, or one after a
  // failure. On the loop's thread. What the other side has not received is sent again.
  [[nodiscard]] Result<> connect(Fd in, Fd out);
  void disconnect();  // on the loop's thread; on_lost is not called

  void send(wire::FrameType type, std::uint32_t stream, std::string payload);
  // In parts if it is longer than a frame may be (see JobTraffic).
  void send(const protocol::JobMessage& message);
  // Whole pages, any number; not on the loop's thread. Waits while kPagesWindow bytes have not
  // landed. kGone when the connection is lost.
  [[nodiscard]] Result<> send_pages(std::uint64_t address, std::span<const std::byte> bytes);
  // Tell the sender of pages that `bytes` of them are in place.
  void landed(std::uint64_t bytes);
  // Wait until what was sent has left this process. Not on the loop's thread.
  void flush(std::chrono::milliseconds timeout);

  // A connection on which nothing is heard for so long is lost; while this node sleeps it could
  // hear nothing, so that does not count. Zero: it never is.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
  // The epoch that frames carry; frames of another are dropped.
  void set_epoch(std::uint32_t epoch) { epoch_ = epoch; }
  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
  [[nodiscard]] bool connected() const { return connected_; }
  // More is kept than an honest other side leaves unacknowledged, or the link has been down for
  // long: nothing more is to be begun whose outcome has to be sent. What must be said is still
  // taken.
  [[nodiscard]] bool full() const { return kept_bytes_ > kMostKept; }
  [[nodiscard]] std::uint64_t kept_bytes() const { return kept_bytes_; }
  [[nodiscard]] EventLoop::Clock::time_point last_heard() const { return last_heard_; }
  // For how long nothing has been heard. While this node sleeps it could hear nothing; but who has
  // to be gone after some time has to be so also if it slept meanwhile.
  enum class Sleep { kCounts, kDoesNotCount };
  [[nodiscard]] std::chrono::nanoseconds silence(Sleep own) const;
  [[nodiscard]] std::uint64_t bytes_sent() const;
  // Pages of ours that have landed over there, and for how long any were on their way: what the
  // link really carries.
  struct Travelled {
    std::uint64_t bytes = 0;
    EventLoop::Clock::duration time{};
  };
  [[nodiscard]] Travelled pages_travelled() const;

 private:
  struct Kept {
    wire::FrameType type;
    std::uint32_t epoch;
    std::uint32_t stream;
    std::string payload;
    [[nodiscard]] std::uint64_t cost() const { return sizeof(Kept) + payload.size(); }
  };
  void keep(Kept frame);           // mutex_ is held
  void keep_and_send(Kept frame);  // mutex_ is held
  void receive(const wire::FrameHeader& header, std::span<const std::byte> payload);
  [[nodiscard]] bool has_room_for(std::uint64_t payload);  // of a frame of pages
  void on_keep_alive(std::span<const std::byte> payload);
  void forget_up_to(std::uint64_t received);
  void resend();
  void send_keep_alive();
  void watch_silence();
  void note_heard();
  void lost(const Error& error);
  void drop_channel();

  EventLoop& loop_;
  Callbacks callbacks_;
  EventLoop::TimerId timer_ = 0, silence_timer_ = 0;
  Sleeps sleeps_;
  std::atomic<std::uint32_t> epoch_ = 0;
  std::atomic<bool> connected_ = false;
  std::atomic<std::uint64_t> kept_bytes_ = 0;  // changed under mutex_
  std::atomic<std::chrono::milliseconds> patience_{};
  std::atomic<EventLoop::Clock::time_point> last_heard_;
  std::atomic<BootClock::time_point> heard_at_boot_;
  std::uint64_t received_ = 0;         // numbered frames handled; the loop's thread only
  std::uint64_t received_unsaid_ = 0;  // bytes of them since the last keep-alive

  mutable std::mutex mutex_;  // guards what follows, and the order of sends
  std::condition_variable pages_moved_;
  std::shared_ptr<Channel> channel_;
  bool open_ = false;  // the other side has said what it has received
  std::deque<Kept> kept_;
  std::uint64_t first_kept_ = 0;    // number of kept_.front()
  std::uint64_t pages_sent_ = 0;    // bytes
  std::uint64_t pages_landed_ = 0;  // of ours, over there
  std::uint64_t own_landed_ = 0;    // of theirs, here
  std::uint64_t pages_received_ = 0;
  std::uint64_t bytes_before_ = 0;  // over earlier connections
  Travelled travelled_;
  EventLoop::Clock::time_point on_their_way_since_;
};

}  // namespace llrun
