// GuestTraffic: what flows between a guest and its home, seen from the peer.
//
// On the I/O thread: the relay of the file view and the stand-ins of home's pipes and terminals.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/event_loop.h"
#include "netproxy/homefs/fuse_relay.h"
#include "supervisor/job/message_check.h"
#include "supervisor/job/traffic.h"
#include "supervisor/protocol/hello.pb.h"
#include "supervisor/streams/guest_streams.h"

namespace llrun {

class GuestTraffic : public JobTraffic {
 public:
  [[nodiscard]] static Result<std::unique_ptr<GuestTraffic>> create(EventLoop& control,
                                                                    std::uint32_t epoch,
                                                                    Callbacks callbacks);
  ~GuestTraffic() override;

  // Begin to relay the world's file view. `world`: World::handle().
  [[nodiscard]] Result<> relay_files(homefs::ViewDevices devices, Fd world);
  // Kills everything in the world, then ends the file view.
  void end_view();
  // The control loop may be waiting for a file of the view, so this ends it where that loop could
  // not: until filled() when the link is lost or silent for the lease, later when home has been
  // silent for the abandon time.
  void set_patience(std::chrono::milliseconds lease, std::chrono::milliseconds abandon);
  // Of home, as it counts: with this node's own sleep while home may still take the program back.
  [[nodiscard]] std::chrono::nanoseconds silence() const { return link_->silence(own_sleep_); }
  void sleeps_do_not_count() { own_sleep_ = Link::Sleep::kDoesNotCount; }
  void filled() { filled_ = true; }
  // While this lives the control loop waits for files of the view, with the program standing still
  // at home. When the lease has passed before home's files have answered, the view ends, and the
  // move fails in words.
  class AwaitingFiles {
   public:
    explicit AwaitingFiles(GuestTraffic& traffic);
    ~AwaitingFiles() { traffic_.files_due_ = EventLoop::Clock::time_point::max(); }
    AwaitingFiles(const AwaitingFiles&) = delete;
    AwaitingFiles& operator=(const AwaitingFiles&) = delete;

   private:
    GuestTraffic& traffic_;
  };

  // Use the channel that home has opened after the link was lost; on the I/O thread, so also while
  // the control loop waits for a file. `answer`: our Hello, which is said on it.
  [[nodiscard]] Result<> resume(Fd in, Fd out, const protocol::Hello& answer);
  [[nodiscard]] IoThread& io() { return *io_; }

  // Stand-ins, made before start_streams(); see GuestStreams.
  [[nodiscard]] GuestStreams& streams() { return *streams_; }
  [[nodiscard]] Result<> start_streams();
  // The guest is stopped or dead: every byte it has written is on its way when this returns.
  void drain_streams();

  // Ask home to arm a description and wait for the path to open; not on the I/O thread.
  [[nodiscard]] Result<std::string> arm(std::uint64_t home_id, const std::string& path);

 private:
  GuestTraffic(EventLoop& control, Callbacks callbacks)
      : JobTraffic(control, std::move(callbacks), "home") {}
  void on_own_frame(const wire::FrameHeader& header, std::span<const std::byte> payload) override;
  [[nodiscard]] Result<> check(const protocol::JobMessage& message) const override {
    return check_from_home(message);
  }
  void on_message(protocol::JobMessage message) override;
  void on_link_lost() override;
  void on_file_reply(std::span<const std::byte> payload);
  void on_fuse_readable();
  void answer(const protocol::ClockQuestion& question);
  void on_armed(const protocol::Armed& armed);
  void watch_silence();
  void end_view_here();
  void fail_arming();

  std::unique_ptr<homefs::FuseRelay> relay_;
  Fd world_;
  std::unique_ptr<GuestStreams> streams_;
  std::atomic<bool> filled_ = false;
  std::atomic<Link::Sleep> own_sleep_ = Link::Sleep::kCounts;
  std::atomic<std::chrono::milliseconds> abandon_{std::chrono::minutes(10)};
  std::atomic<std::chrono::milliseconds> lease_{std::chrono::seconds(30)};
  std::atomic<EventLoop::Clock::time_point> files_due_{EventLoop::Clock::time_point::max()};
  std::mutex arm_mutex_;
  std::map<std::uint64_t, std::promise<protocol::Armed>> arming_;
  bool arming_over_ = false;
};

}  // namespace llrun
