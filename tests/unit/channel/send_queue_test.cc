// The queue by both of its writers: io_uring and plain.
#include "netproxy/channel/send_queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "netproxy/channel/frame_io.h"
#include "tests/unit/channel/channel_fixture.h"

namespace llrun::testing {
namespace {

class ByBothWriters : public ::testing::TestWithParam<std::tuple<WriterKind, Medium, bool>> {
 protected:
  WriterKind kind() const { return std::get<0>(GetParam()); }
  Ends ends() const {
    auto made = make_ends(std::get<1>(GetParam()));
    // A description that somebody else has made non-blocking must work all the same.
    EXPECT_TRUE(set_nonblocking(made.near_out.get(), std::get<2>(GetParam())));
    return made;
  }
};
INSTANTIATE_TEST_SUITE_P(
    All, ByBothWriters,
    ::testing::Combine(::testing::Values(WriterKind::kBest, WriterKind::kPlain),
                       ::testing::Values(Medium::kSocket, Medium::kPipes), ::testing::Bool()));

wire::FrameHeader header_for(std::size_t size, std::uint32_t stream) {
  return {static_cast<std::uint32_t>(size), wire::FrameType::kJob, 0, 0, stream};
}

TEST_P(ByBothWriters, CarriesMoreThanTheDescriptorHolds) {
  auto channel_ends = ends();
  auto queue = SendQueue::start(
      std::move(channel_ends.near_out), [](Error) {}, kind());
  ASSERT_TRUE(queue);
  EXPECT_TRUE(kind() == WriterKind::kBest || !(*queue)->uses_io_uring());
  constexpr std::uint32_t kFrames = 200;
  for (std::uint32_t i = 0; i < kFrames; ++i)
    (*queue)->push(header_for(70000 + i, i), std::string(70000 + i, static_cast<char>(i)));
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    const auto frame = read_frame(channel_ends.far_in.get(), kGenerous);
    ASSERT_TRUE(frame) << frame.error().message();
    ASSERT_EQ(frame->header.stream, i);
    ASSERT_EQ(text_of(frame->payload), std::string(70000 + i, static_cast<char>(i)));
  }
  EXPECT_TRUE((*queue)->flush(kGenerous));
  EXPECT_EQ((*queue)->queued_bytes(), 0U);
}

TEST_P(ByBothWriters, StopsWhileTheDescriptorIsFull) {
  auto channel_ends = ends();
  auto queue = SendQueue::start(
      std::move(channel_ends.near_out), [](Error) {}, kind());
  ASSERT_TRUE(queue);
  for (std::uint32_t i = 0; i < 50; ++i)
    (*queue)->push(header_for(wire::kMaxPayload, i), std::string(wire::kMaxPayload, 'x'));
  std::thread bulk([&] { EXPECT_EQ((*queue)->wait_below(1).error().code, ErrorCode::kGone); });
  (*queue)->stop();
  bulk.join();
}

TEST_P(ByBothWriters, TellsOnceThatTheReaderIsGone) {
  auto channel_ends = ends();
  std::atomic<int> failures{0};
  auto queue = SendQueue::start(
      std::move(channel_ends.near_out),
      [&](Error error) {
        EXPECT_EQ(error.code, ErrorCode::kGone);
        ++failures;
      },
      kind());
  ASSERT_TRUE(queue);
  for (std::uint32_t i = 0; i < 20; ++i)
    (*queue)->push(header_for(wire::kMaxPayload, i), std::string(wire::kMaxPayload, 'x'));
  channel_ends.far_in.reset();
  channel_ends.far_out.reset();
  EXPECT_EQ((*queue)->flush(kGenerous).error().code, ErrorCode::kGone);
  (*queue)->push(header_for(1, 0), std::string("x"));
  (*queue)->stop();
  EXPECT_EQ(failures.load(), 1);
}

}  // namespace
}  // namespace llrun::testing
