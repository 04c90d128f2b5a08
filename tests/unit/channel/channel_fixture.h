// A channel on one end and a plain descriptor on the other, over a socket or over two pipes.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "netproxy/channel/channel.h"
#include "netproxy/channel/frame_io.h"

namespace llrun::testing {

enum class Medium { kSocket, kPipes };

struct Ends {
  Fd near_in, near_out;  // the channel's
  Fd far_in, far_out;    // what the test reads and writes by hand
};

inline Ends make_ends(Medium medium) {
  if (medium == Medium::kSocket) {
    auto pair = make_socketpair(SOCK_STREAM);
    auto near_copy = pair->first.duplicate();
    auto far_copy = pair->second.duplicate();
    return {std::move(pair->first), std::move(*near_copy), std::move(pair->second),
            std::move(*far_copy)};
  }
  auto up = make_pipe();
  auto down = make_pipe();
  return {std::move(down->first), std::move(up->second), std::move(up->first),
          std::move(down->second)};
}

constexpr std::chrono::seconds kGenerous{60};

// What a channel has said, and the loop that it runs on.
struct Listener {
  std::unique_ptr<EventLoop> loop = std::move(*EventLoop::create());
  std::unique_ptr<Channel> channel;
  std::vector<OwnedFrame> frames;
  std::vector<Error> endings;
  std::size_t stop_after_frames = static_cast<std::size_t>(-1);

  void open(Fd in, Fd out) {
    auto opened = Channel::open(*loop, std::move(in), std::move(out), callbacks());
    ASSERT_TRUE(opened) << opened.error().message();
    channel = std::move(*opened);
  }
  ChannelCallbacks callbacks() {
    return {[this](const wire::FrameHeader& header, std::span<const std::byte> payload) {
              frames.push_back({header, {payload.begin(), payload.end()}});
              if (frames.size() >= stop_after_frames) loop->stop();
            },
            [this](const Error& error) {
              endings.push_back(error);
              loop->stop();
            }};
  }
  // Until stop_after_frames or the end of the channel; a test that hangs fails here.
  void run() {
    bool late = false;
    const auto timer = loop->after(kGenerous, [&] {
      late = true;
      loop->stop();
    });
    loop->run();
    loop->cancel(timer);
    ASSERT_FALSE(late) << "nothing has happened in " << kGenerous.count() << " s";
  }
  // Let what has been posted so far, and one round of events, be handled.
  void settle() {
    loop->post([this] { loop->stop(); });
    loop->run();
  }
};

inline std::vector<std::byte> to_vector(std::string_view text) {
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

inline std::string encoded(wire::FrameType type, std::string_view payload, std::uint32_t epoch = 0,
                           std::uint32_t stream = 0) {
  const auto head =
      wire::encode({static_cast<std::uint32_t>(payload.size()), type, 0, epoch, stream});
  return std::string(text_of(head)) + std::string(payload);
}

}  // namespace llrun::testing
