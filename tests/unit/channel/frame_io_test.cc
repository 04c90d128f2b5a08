#include "netproxy/channel/frame_io.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "tests/unit/channel/channel_fixture.h"

namespace llrun::testing {
namespace {

TEST(FrameIo, ReadsOneFrameAndNotAByteMore) {
  for (const auto medium : {Medium::kSocket, Medium::kPipes}) {
    auto ends = make_ends(medium);
    ASSERT_TRUE(write_frame(ends.near_out.get(), {0, wire::FrameType::kHello, 0, 3, 4},
                            bytes_of(std::string_view("hello")), kGenerous));
    ASSERT_TRUE(write_all(ends.near_out.get(), bytes_of(std::string_view("next"))));
    const auto frame = read_frame(ends.far_in.get(), kGenerous);
    ASSERT_TRUE(frame) << frame.error().message();
    EXPECT_EQ(frame->header.type, wire::FrameType::kHello);
    EXPECT_EQ(frame->header.epoch, 3U);
    EXPECT_EQ(text_of(frame->payload), "hello");
    std::array<std::byte, 4> rest{};
    ASSERT_TRUE(read_all(ends.far_in.get(), rest));
    EXPECT_EQ(text_of(rest), "next");
  }
}

TEST(FrameIo, SaysWhatIsWrong) {
  auto silent = make_ends(Medium::kPipes);
  EXPECT_EQ(read_frame(silent.far_in.get(), std::chrono::milliseconds(1)).error().code,
            ErrorCode::kTimeout);
  silent.near_out.reset();
  EXPECT_EQ(read_frame(silent.far_in.get(), kGenerous).error().code, ErrorCode::kGone);
  auto nonsense = make_ends(Medium::kPipes);
  ASSERT_TRUE(write_all(nonsense.near_out.get(),
                        bytes_of(std::string_view("bash: llrund: command not found\n"))));
  EXPECT_EQ(read_frame(nonsense.far_in.get(), kGenerous).error().code, ErrorCode::kProtocol);
}

TEST(FrameIo, AReaderThatIsGoneIsNoSignal) {
  for (const auto medium : {Medium::kSocket, Medium::kPipes}) {
    auto ends = make_ends(medium);
    ends.far_in.reset();
    ends.far_out.reset();
    EXPECT_EQ(write_frame(ends.near_out.get(), {0, wire::FrameType::kHello, 0, 0, 0},
                          bytes_of(std::string_view("hello")), kGenerous)
                  .error()
                  .code,
              ErrorCode::kGone);
  }
}

TEST(FrameIo, WritesWhatAPipeCannotHoldOrGivesUp) {
  auto ends = make_ends(Medium::kPipes);
  const std::string large(wire::kMaxPayload, 'x');
  EXPECT_EQ(write_frame(ends.near_out.get(), {0, wire::FrameType::kHello, 0, 0, 0}, bytes_of(large),
                        std::chrono::milliseconds(1))
                .error()
                .code,
            ErrorCode::kTimeout);
  EXPECT_EQ(write_frame(ends.near_out.get(), {0, wire::FrameType::kHello, 0, 0, 0},
                        bytes_of(large + "x"), kGenerous)
                .error()
                .code,
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace llrun::testing
