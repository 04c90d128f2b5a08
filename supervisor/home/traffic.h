// HomeTraffic: what flows between home and the guest while a program is away, seen from home.
//
// Lives on the I/O thread: the link, the file view's server and the writers of home's pipes and
// terminals. The control loop gets the messages that concern it. From the guest's first breath
// until home has given up resuming, nothing the guest asks for is carried out: effects are held
// here, in their order, and then either released or dropped (docs/protocol.md).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "netproxy/homefs/home_file_server.h"
#include "supervisor/job/io_thread.h"
#include "supervisor/job/link.h"
#include "supervisor/streams/stream_writer.h"

namespace llrun {

class HomeTraffic {
 public:
  struct Callbacks {  // on the control loop's thread
    std::function<void(const protocol::JobMessage&)> on_message;
    std::function<void(std::uint64_t address, const std::string& bytes)> on_pages;
    std::function<void(Error)> on_lost;
  };
  // `control`: where the callbacks run.
  [[nodiscard]] static Result<std::unique_ptr<HomeTraffic>> create(EventLoop& control,
                                                                   std::uint32_t epoch,
                                                                   Callbacks callbacks);
  ~HomeTraffic();
  HomeTraffic(const HomeTraffic&) = delete;
  HomeTraffic& operator=(const HomeTraffic&) = delete;

  [[nodiscard]] Result<> connect(Fd in, Fd out);
  void disconnect();
  [[nodiscard]] Link& link() { return *link_; }
  [[nodiscard]] homefs::HomeFileServer& files() { return *files_; }

  // Bytes the guest writes to `stream` go to `description` (a pipe or terminal of home).
  void add_stream(std::uint32_t stream, Fd description);
  void remove_stream(std::uint32_t stream);
  // `done` on the control loop when all output received so far has been passed on.
  void when_drained(std::function<void()> done);

  void release_effects();  // from now on they are carried out
  void drop_effects();     // the guest that asked for them is dead

 private:
  struct Frame {
    wire::FrameHeader header;
    std::vector<std::byte> payload;
  };
  HomeTraffic(EventLoop& control, Callbacks callbacks)
      : control_(control), callbacks_(std::move(callbacks)) {}
  void on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload);
  void handle(const wire::FrameHeader& header, std::span<const std::byte> payload);
  void handle_message(protocol::JobMessage message);
  void start_files(const protocol::WorldReady& world);
  void handle_classify(const protocol::Classify& question);
  void handle_arm(const protocol::ArmDescription& wish);
  void untrusted(const std::string& why);
  // Run on the control loop, unless this object is gone by then.
  void tell_control(std::function<void()> task);

  EventLoop& control_;
  Callbacks callbacks_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::unique_ptr<IoThread> io_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<homefs::HomeFileServer> files_;
  std::map<std::uint32_t, std::unique_ptr<StreamWriter>> writers_;  // I/O thread only
  bool holding_ = false;                                            // I/O thread only
  std::deque<Frame> held_;
};

}  // namespace llrun
