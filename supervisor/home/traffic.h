// HomeTraffic: what flows between home and the guest while a program is away, seen from home.
//
// On the I/O thread: the file view's server and the writers of home's pipes and terminals. From the
// guest's first breath until home has given up resuming, nothing the guest asks for is carried out:
// effects are held here, in their order, and then either released or dropped (docs/protocol.md).
// Pages of files are told all the same: a guest whose code has not come could not even begin
// its sleep again.
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
#include "supervisor/home/clock_survey.h"
#include "supervisor/home/view_terms.h"
#include "supervisor/job/message_check.h"
#include "supervisor/job/traffic.h"
#include "supervisor/streams/stream_writer.h"

namespace llrun {

class HomeTraffic : public JobTraffic {
 public:
  // `control`: where the callbacks run.
  [[nodiscard]] static Result<std::unique_ptr<HomeTraffic>> create(EventLoop& control,
                                                                   std::uint32_t epoch,
                                                                   ViewTerms terms,
                                                                   Callbacks callbacks);
  ~HomeTraffic() override;

  [[nodiscard]] homefs::HomeFileServer& files() { return *files_; }

  // What the peer's clocks show beside ours; `done` on the control loop.
  void survey_clocks(ClockSurvey::Done done);

  // Bytes the guest writes to `stream` go to `description` (a pipe or terminal of home).
  [[nodiscard]] Result<> add_stream(std::uint32_t stream, Fd description);
  void remove_stream(std::uint32_t stream);
  // `done` on the control loop when all output received so far has been passed on.
  void when_drained(std::function<void()> done);

  void release_effects();  // from now on they are carried out
  void drop_effects();     // the guest that asked for them is dead

 private:
  [[nodiscard]] std::uint64_t queued_output() const;
  HomeTraffic(EventLoop& control, ViewTerms terms, Callbacks callbacks)
      : JobTraffic(control, std::move(callbacks), "the peer"), terms_(std::move(terms)) {}
  void on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload) override;
  void on_own_frame(const wire::FrameHeader& header, std::span<const std::byte> payload) override;
  [[nodiscard]] Result<> check(const protocol::JobMessage& message) const override {
    return check_from_guest(message);
  }
  void on_message(protocol::JobMessage message) override;
  void on_acknowledged() override;
  void start_files(const protocol::WorldReady& world);
  void handle_classify(const protocol::Classify& question);
  void handle_arm(const protocol::ArmDescription& wish);

  ViewTerms terms_;
  std::unique_ptr<homefs::HomeFileServer> files_;
  std::unique_ptr<ClockSurvey> survey_;                             // I/O thread only
  std::map<std::uint32_t, std::unique_ptr<StreamWriter>> writers_;  // I/O thread only
  bool holding_ = false;                                            // I/O thread only
  std::deque<LaterFrame> held_;
  Allowance held_bytes_{64 << 20};
};

}  // namespace llrun
