// JobTraffic: what flows between the two supervisors of a job, as far as both sides are alike.
//
// Lives on the I/O thread, with the link; each side adds what it serves there. It never touches the
// program's memory or files: whoever waits for these waits for it. The control loop gets the
// messages that concern it. While the link is full, as the other side does not say that it has got
// what was sent, what comes from there waits too: it would be answered.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "supervisor/job/allowance.h"
#include "supervisor/job/io_thread.h"
#include "supervisor/job/link.h"
#include "supervisor/job/message_parts.h"

namespace llrun {

class JobTraffic {
 public:
  struct Callbacks {  // on the control loop's thread
    std::function<void(const protocol::JobMessage&)> on_message;
    std::function<void(std::uint64_t address, const std::string& bytes)> on_pages;
    std::function<void(const Error&)> on_lost;
  };
  JobTraffic(const JobTraffic&) = delete;
  JobTraffic& operator=(const JobTraffic&) = delete;

  [[nodiscard]] Result<> connect(Fd in, Fd out);
  void disconnect();
  [[nodiscard]] Link& link() { return *link_; }

 protected:
  // `other`: who is at the other end, in words.
  JobTraffic(EventLoop& control, Callbacks callbacks, std::string other)
      : control_(control), callbacks_(std::move(callbacks)), other_(std::move(other)) {}
  // A side ends its own part, and the link with it, on the I/O thread first.
  virtual ~JobTraffic() = default;
  [[nodiscard]] Result<> start(std::uint32_t epoch);

  // -- on the I/O thread
  virtual void on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload);
  // Whether the other side may say this at all (message_check.h).
  [[nodiscard]] virtual Result<> check(const protocol::JobMessage& message) const = 0;
  virtual void on_message(protocol::JobMessage message) = 0;
  // A frame that only this side gets.
  virtual void on_own_frame(const wire::FrameHeader& header,
                            std::span<const std::byte> payload) = 0;
  virtual void on_link_lost() {}
  // A link that was full may have room again.
  virtual void on_acknowledged() {}
  // Ends the link, in words.
  void untrusted(const std::string& why);

  // A frame that is dealt with later.
  struct LaterFrame {
    wire::FrameHeader header;
    std::vector<std::byte> payload;
    [[nodiscard]] std::uint64_t cost() const { return payload.size() + sizeof(LaterFrame); }
  };

  // Run on the control loop, unless this object is gone by then.
  void tell_control(std::function<void()> task);
  void tell_control(protocol::JobMessage message);
  // The same with something of the other side's in it, so many bytes: it waits as long as the
  // control loop is busy, which may be for all the memory that travels.
  void tell_control_of(std::uint64_t bytes, std::function<void()> task);

  EventLoop& control_;
  Callbacks callbacks_;
  std::unique_ptr<IoThread> io_;
  std::unique_ptr<Link> link_;

 private:
  void take_in(const wire::FrameHeader& header, std::span<const std::byte> payload);
  void take_in_what_waits();

  std::string other_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  static constexpr std::uint64_t kMostWaiting = 128 << 20;  // pages have a window of 32 MiB
  std::shared_ptr<Allowance> waiting_ = std::make_shared<Allowance>(kMostWaiting);
  MessageParts parts_;
  std::deque<LaterFrame> late_;  // came while the link was full
  Allowance late_bytes_{64 << 20};
};

}  // namespace llrun
