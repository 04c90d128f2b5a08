#include "netproxy/channel/channel.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>

#include "tests/unit/channel/channel_fixture.h"

namespace llrun::testing {
namespace {
using wire::FrameType;

class OverBoth : public ::testing::TestWithParam<Medium> {};
INSTANTIATE_TEST_SUITE_P(Media, OverBoth, ::testing::Values(Medium::kSocket, Medium::kPipes),
                         [](const auto& info) {
                           return info.param == Medium::kSocket ? "Socket" : "Pipes";
                         });

TEST_P(OverBoth, CarriesFramesOfEverySizeBothWays) {
  auto ends = make_ends(GetParam());
  Listener a, b;
  a.open(std::move(ends.near_in), std::move(ends.near_out));
  b.open(std::move(ends.far_in), std::move(ends.far_out));
  const std::vector<std::size_t> sizes{0,    1,     15,    16,    17,
                                       4096, 65535, 65536, 65537, wire::kMaxPayload};
  for (std::size_t i = 0; i < sizes.size(); ++i)
    a.channel->send(FrameType::kJob, 7, static_cast<std::uint32_t>(i),
                    std::string(sizes[i], static_cast<char>('a' + i)));
  b.stop_after_frames = sizes.size();
  b.run();
  ASSERT_EQ(b.frames.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(b.frames[i].header.epoch, 7U);
    EXPECT_EQ(b.frames[i].header.stream, i);
    EXPECT_EQ(text_of(b.frames[i].payload), std::string(sizes[i], static_cast<char>('a' + i)));
  }
  b.channel->send(FrameType::kAgent, 0, 0, to_vector("back"));
  a.stop_after_frames = 1;
  a.run();
  ASSERT_EQ(a.frames.size(), 1U);
  EXPECT_EQ(text_of(a.frames[0].payload), "back");
  ASSERT_TRUE(a.channel->flush(kGenerous));
  EXPECT_EQ(a.channel->bytes_sent(), b.channel->bytes_received());
  EXPECT_EQ(a.channel->queued_bytes(), 0U);
}

TEST_P(OverBoth, SendNeverBlocksAndKeepsOrderForASlowReader) {
  auto ends = make_ends(GetParam());
  Listener a;
  a.open(std::move(ends.near_in), std::move(ends.near_out));
  constexpr std::uint32_t kFrames = 3000;
  for (std::uint32_t i = 0; i < kFrames; ++i)
    a.channel->send(FrameType::kStreamData, 0, i, std::string(1000 + i, 'x'));
  EXPECT_GT(a.channel->queued_bytes(), 0U);  // far more than a pipe or socket holds
  EXPECT_EQ(a.channel->flush(std::chrono::milliseconds(1)).error().code, ErrorCode::kTimeout);
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    const auto frame = read_frame(ends.far_in.get(), kGenerous);
    ASSERT_TRUE(frame) << frame.error().message();
    ASSERT_EQ(frame->header.stream, i);
    ASSERT_EQ(frame->payload.size(), 1000 + i);
  }
  EXPECT_TRUE(a.channel->flush(kGenerous));
}

// A peer that dies after any number of bytes of two frames: what was whole has been delivered, the
// end is told once and says whether a frame was cut.
TEST_P(OverBoth, TellsThePeersDeathAtEachByteOnce) {
  const std::string stream =
      encoded(FrameType::kJob, "first frame") + encoded(FrameType::kPages, "second");
  const std::size_t first = 16 + std::strlen("first frame");
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    auto ends = make_ends(GetParam());
    Listener a;
    a.open(std::move(ends.near_in), std::move(ends.near_out));
    ASSERT_TRUE(write_all(ends.far_out.get(), bytes_of(stream.substr(0, cut))));
    ends.far_in.reset();
    ends.far_out.reset();
    a.run();
    a.settle();
    ASSERT_EQ(a.endings.size(), 1U) << cut;
    EXPECT_EQ(a.endings[0].code, ErrorCode::kGone);
    const bool whole = cut == 0 || cut == first || cut == stream.size();
    EXPECT_EQ(a.endings[0].attempted.find("within a frame") == std::string::npos, whole) << cut;
    EXPECT_EQ(a.frames.size(), cut == stream.size() ? 2U : cut >= first ? 1U : 0U) << cut;
  }
}

TEST_P(OverBoth, HearsWhatThePeerSaidBeforeItClosed) {
  for (int round = 0; round < 20; ++round) {
    auto ends = make_ends(GetParam());
    Listener a;
    a.open(std::move(ends.near_in), std::move(ends.near_out));
    a.stop_after_frames = 1;
    ASSERT_TRUE(write_all(ends.far_out.get(), bytes_of(encoded(FrameType::kRefusal, "too full"))));
    ends.far_in.reset();  // so our send fails, though its words are still to be read
    if (GetParam() == Medium::kSocket) ends.far_out.reset();
    for (int i = 0; i < 100; ++i) a.channel->send(FrameType::kJob, 0, 0, std::string(10000, 'x'));
    a.run();
    while (a.endings.empty()) a.run();
    ASSERT_EQ(a.frames.size(), 1U);
    EXPECT_EQ(text_of(a.frames[0].payload), "too full");
    EXPECT_EQ(a.endings.size(), 1U);
    EXPECT_EQ(a.endings[0].code, ErrorCode::kGone);
    a.channel->send(FrameType::kJob, 0, 0, std::string("dropped"));
    EXPECT_EQ(a.channel->send_bulk(FrameType::kPages, 0, 0, std::string("x")).error().code,
              ErrorCode::kGone);
  }
}

TEST_P(OverBoth, RefusesWhatAreNoFrames) {
  auto ends = make_ends(GetParam());
  Listener a;
  a.open(std::move(ends.near_in), std::move(ends.near_out));
  ASSERT_TRUE(write_all(ends.far_out.get(),
                        bytes_of(std::string_view("Last login: Sat Nov 21 02:53:11\r\n"))));
  a.run();
  ASSERT_EQ(a.endings.size(), 1U);
  EXPECT_EQ(a.endings[0].code, ErrorCode::kProtocol);
}

TEST(Channel, RefusesToSendAFrameThatIsTooLarge) {
  auto ends = make_ends(Medium::kSocket);
  Listener a;
  a.open(std::move(ends.near_in), std::move(ends.near_out));
  a.channel->send(FrameType::kJob, 0, 0, std::string(wire::kMaxPayload + 1, 'x'));
  a.run();
  ASSERT_EQ(a.endings.size(), 1U);
  EXPECT_EQ(a.endings[0].code, ErrorCode::kInvalid);
}

TEST(Channel, MayBeDestroyedByItsOwnCallbacks) {
  for (const bool by_frame : {true, false}) {
    auto ends = make_ends(Medium::kSocket);
    auto loop = std::move(*EventLoop::create());
    std::unique_ptr<Channel> channel;
    int calls = 0;
    const auto destroy = [&] {
      ++calls;
      channel.reset();
      loop->stop();
    };
    ChannelCallbacks callbacks{[&](const auto&, auto) {
                                 if (by_frame) destroy();
                               },
                               [&](const Error&) { destroy(); }};
    channel = std::move(*Channel::open(*loop, std::move(ends.near_in), std::move(ends.near_out),
                                       std::move(callbacks)));
    ASSERT_TRUE(write_all(ends.far_out.get(),
                          bytes_of(encoded(FrameType::kJob, "a") + encoded(FrameType::kJob, "b"))));
    ends.far_in.reset();
    ends.far_out.reset();
    loop->run();
    loop->post([&] { loop->stop(); });
    loop->run();
    EXPECT_EQ(calls, 1);
  }
}

TEST_P(OverBoth, ClosesPromptlyThoughThePeerDoesNotRead) {
  auto ends = make_ends(GetParam());
  Listener a;
  a.open(std::move(ends.near_in), std::move(ends.near_out));
  for (int i = 0; i < 20; ++i)
    a.channel->send(FrameType::kPages, 0, 0, std::string(wire::kMaxPayload, 'x'));
  std::thread waiting(
      [&] { EXPECT_EQ(a.channel->flush(kGenerous).error().code, ErrorCode::kGone); });
  // The peer stays, silent. The channel is ended by a fault of ours, the waiter must be let go.
  a.channel->send(FrameType::kPages, 0, 0, std::string(wire::kMaxPayload + 1, 'x'));
  a.run();
  waiting.join();
  a.channel.reset();
  EXPECT_EQ(a.endings.size(), 1U);
}

TEST_P(OverBoth, KeepsTheOrderOfEachOfSeveralThreads) {
  auto ends = make_ends(GetParam());
  Listener a, b;
  a.open(std::move(ends.near_in), std::move(ends.near_out));
  b.open(std::move(ends.far_in), std::move(ends.far_out));
  constexpr std::uint32_t kThreads = 4, kEach = 5000;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < kEach; ++i)
        a.channel->send(FrameType::kStreamData, i, t, std::string((i * 37) % 3000, 'x'));
    });
  b.stop_after_frames = kThreads * kEach;
  b.run();
  for (auto& thread : threads) thread.join();
  std::vector<std::uint32_t> next(kThreads, 0);
  for (const auto& frame : b.frames) {
    ASSERT_LT(frame.header.stream, kThreads);
    ASSERT_EQ(frame.header.epoch, next[frame.header.stream]++);
    ASSERT_EQ(frame.payload.size(), (frame.header.epoch * 37) % 3000);
  }
}

// A gibibyte of pages: all arrive, each whole and in order, and never more than the bound is in
// memory.
TEST_P(OverBoth, StreamsAGibibyteOfPagesInBoundedMemory) {
  auto ends = make_ends(GetParam());
  Listener a;
  a.open(std::move(ends.near_in), std::move(ends.near_out));
  auto loop = std::move(*EventLoop::create());
  constexpr std::uint64_t kFrames = 1024, kBytes = wire::kMaxPagesPerFrame * wire::kPageSize;
  std::uint64_t received = 0, wrong = 0;
  std::unique_ptr<Channel> b =
      std::move(*Channel::open(*loop, std::move(ends.far_in), std::move(ends.far_out),
                               {[&](const wire::FrameHeader&, std::span<const std::byte> payload) {
                                  const auto pages = wire::parse_pages(payload);
                                  if (!pages || pages->header.address != received * kBytes ||
                                      pages->bytes.front() != static_cast<std::byte>(received) ||
                                      pages->bytes.back() != static_cast<std::byte>(received))
                                    ++wrong;
                                  if (++received == kFrames) loop->stop();
                                },
                                [&](const Error&) { loop->stop(); }}));
  std::atomic<std::size_t> most_queued{0};
  std::thread sender([&] {
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      const wire::PagesHeader header{i * kBytes, wire::kMaxPagesPerFrame, 0};
      std::string payload(sizeof header + kBytes, static_cast<char>(i));
      std::memcpy(payload.data(), &header, sizeof header);
      ASSERT_TRUE(a.channel->send_bulk(FrameType::kPages, 0, 0, std::move(payload)));
      most_queued = std::max(most_queued.load(), a.channel->queued_bytes());
    }
  });
  loop->run();
  sender.join();
  EXPECT_EQ(received, kFrames);
  EXPECT_EQ(wrong, 0U);
  EXPECT_LE(most_queued.load(), Channel::kBulkBound + wire::kMaxPayload + 64);
}

}  // namespace
}  // namespace llrun::testing
