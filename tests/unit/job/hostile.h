// The other end of a job's link as somebody else has written it: it says what it likes, byte by
// byte, keeps nothing of what it has said, and need not read.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "imagefmt/wire.h"
#include "netproxy/channel/frame_io.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun::test {

constexpr std::chrono::seconds kLimit{60};
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kFlood = 1024 * kMiB;  // what a hostile one sends, if it is let
// What lies between a bound and the sender who meets it: the buffers of a socket, a frame.
constexpr std::uint64_t kOnTheWay = 16 * kMiB;

inline std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

class Hostile {
 public:
  explicit Hostile(Fd socket) : socket_(std::move(socket)) { acknowledge(0); }

  // The first word on a connection, and later ones: so many numbered frames have been received.
  void acknowledge(std::uint64_t frames) {
    say(wire::FrameType::kKeepAlive, 0, text_of(bytes_of(frames)));
  }
  // False: the link has ended.
  bool say(wire::FrameType type, std::uint32_t stream, std::string_view payload) {
    return write(framed(type, stream, payload));
  }
  bool say(const protocol::JobMessage& message) {
    return say(wire::FrameType::kJob, 0, message.SerializeAsString());
  }
  // The same again and again, until the link ends or `most` bytes have been sent; how many have.
  std::uint64_t flood(wire::FrameType type, std::uint32_t stream, std::string_view payload,
                      std::uint64_t most = kFlood) {
    const auto one = framed(type, stream, payload);
    std::string many;
    while (many.size() < (64U << 10)) many += one;
    std::uint64_t sent = 0;
    while (sent < most && write(many)) sent += many.size();
    return sent;
  }
  std::uint64_t flood(const protocol::JobMessage& message) {
    return flood(wire::FrameType::kJob, 0, message.SerializeAsString());
  }
  Result<OwnedFrame> read() { return read_frame(socket_.get(), kLimit); }

 private:
  static std::string framed(wire::FrameType type, std::uint32_t stream, std::string_view payload) {
    const wire::FrameHeader header{static_cast<std::uint32_t>(payload.size()), type, 0, 1, stream};
    return std::string(text_of(wire::encode(header))) + std::string(payload);
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno != EINTR) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count < 0 ? 0 : count));
    }
    return true;
  }

  Fd socket_;
};

// A supervisor whose control loop is busy until it is told that the link is lost.
class ControlLoop {
 public:
  ControlLoop() : loop_(std::move(*EventLoop::create())) {}
  [[nodiscard]] EventLoop& loop() { return *loop_; }
  // For JobTraffic::Callbacks.
  void on_lost(const Error& error) {
    if (!why_) why_ = error.message();
    loop_->stop();
  }
  // Runs the loop until it is told that the link is lost: in one of these words.
  [[nodiscard]] testing::AssertionResult lost_because(
      std::initializer_list<std::string_view> words) {
    const auto timer = loop_->after(kLimit, [this] { loop_->stop(); });
    if (!why_) loop_->run();
    loop_->cancel(timer);
    const std::string why = why_.value_or("it is not lost");
    for (const auto any : words)
      if (why.contains(any)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << why;
  }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::optional<std::string> why_;
};

}  // namespace llrun::test
