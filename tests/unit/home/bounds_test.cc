// A guest's side that is anybody's: whatever it sends, home keeps no more of it than
// docs/protocol.md says ("Bounds"), and tells why the link has ended.
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <thread>

#include "supervisor/home/traffic.h"
#include "tests/unit/job/hostile.h"

namespace llrun {
namespace {

using test::kMiB;
using test::kOnTheWay;
using wire::FrameType;

constexpr std::uint32_t kStream = 1U << 30;

class HomeBounds : public ::testing::Test {
 protected:
  HomeBounds() {
    auto sockets = make_socketpair(SOCK_STREAM);
    other_.emplace(std::move(sockets->second));
    traffic_ =
        std::move(*HomeTraffic::create(control_.loop(), 1, {},
                                       {[](const auto&) {}, [](auto, const auto&) {},
                                        [this](const Error& error) { control_.on_lost(error); }}));
    auto in = sockets->first.duplicate();
    EXPECT_TRUE(in && traffic_->connect(std::move(*in), std::move(sockets->first)));
  }
  // A pipe of home's whose reader does not read.
  void add_stream(std::uint32_t stream) {
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe && traffic_->add_stream(stream, std::move(pipe->second)));
    readers_.push_back(std::move(pipe->first));
  }
  void begin_to_run() {
    protocol::JobMessage message;
    message.mutable_running();
    ASSERT_TRUE(other_->say(message));
  }
  void make_world() {
    protocol::JobMessage message;
    message.mutable_world_ready();
    ASSERT_TRUE(other_->say(message));
    fuse_init_in init{};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    ASSERT_TRUE(other_->say(FrameType::kFileRequest, 0, request(FUSE_INIT, init)));
  }
  template <typename T>
  static std::string request(std::uint32_t opcode, const T& body) {
    fuse_in_header header{};
    header.opcode = opcode;
    header.nodeid = FUSE_ROOT_ID;
    header.unique = 2;
    header.len = sizeof header + sizeof body;
    return std::string(text_of(bytes_of(header))) + std::string(text_of(bytes_of(body)));
  }

  test::ControlLoop control_;
  std::optional<test::Hostile> other_;
  std::vector<Fd> readers_;
  std::unique_ptr<HomeTraffic> traffic_;
};

TEST_F(HomeBounds, OutputBeyondCredit) {
  add_stream(kStream);
  const auto before = test::resident_bytes();
  EXPECT_LT(other_->flood(FrameType::kStreamData, kStream, std::string(64 << 10, 'x')),
            128 * kMiB + kOnTheWay);
  EXPECT_LT(test::resident_bytes(), before + 400 * kMiB);
  EXPECT_TRUE(control_.lost_because({"the peer sent more output than it has credit for"}));
}

TEST_F(HomeBounds, OutputBeyondCreditOfManyStreams) {
  for (std::uint32_t i = 0; i < 8; ++i) add_stream(kStream + i);
  const std::string piece(64 << 10, 'x');
  std::uint64_t sent = 0;
  while (sent < test::kFlood &&
         other_->say(FrameType::kStreamData, kStream + sent / 65536 % 8, piece))
    sent += piece.size();
  EXPECT_LT(sent, 128 * kMiB + kOnTheWay);
  EXPECT_TRUE(control_.lost_because({"more output than it has credit for"}));
}

// Each would cost as much as a hundred bytes, were they kept one by one.
TEST_F(HomeBounds, OutputInSingleBytesTakesNoMoreThanItIs) {
  add_stream(kStream);
  const auto before = test::resident_bytes();
  other_->flood(FrameType::kStreamData, kStream, "x", 17 * kMiB);  // a million frames
  EXPECT_LT(test::resident_bytes(), before + 50 * kMiB);
}

TEST_F(HomeBounds, EffectsBeforeHomeLetsGoOfTheProgram) {
  add_stream(kStream);
  begin_to_run();
  EXPECT_LT(other_->flood(FrameType::kStreamData, kStream, std::string(64 << 10, 'x')),
            64 * kMiB + kOnTheWay);
  EXPECT_TRUE(control_.lost_because(
      {"the peer sent more than a program can do before it is known to run"}));
}

TEST_F(HomeBounds, EffectsBeforeHomeLetsGoOfTheProgramHoweverSmall) {
  begin_to_run();
  EXPECT_LT(other_->flood(FrameType::kStreamData, kStream, ""), 64 * kMiB);
  EXPECT_TRUE(control_.lost_because({"before it is known to run"}));
}

TEST_F(HomeBounds, PagesBeyondTheirWindow) {
  const wire::PagesHeader header{0x10000, wire::kMaxPagesPerFrame, 0};
  const auto payload = std::string(text_of(bytes_of(header))) + std::string(kMiB, 'x');
  EXPECT_LT(other_->flood(FrameType::kPages, 0, payload), Link::kPagesWindow + kOnTheWay);
  EXPECT_TRUE(control_.lost_because({"the other side sends more pages than may be on their way"}));
}

TEST_F(HomeBounds, MessagesThatTheControlLoopHasNotDealtWith) {
  protocol::JobMessage message;
  message.mutable_put_off()->set_reason(std::string(60'000, 'x'));
  EXPECT_LT(other_->flood(message), 128 * kMiB + kOnTheWay);
  EXPECT_TRUE(control_.lost_because({"the peer sent more than can be dealt with"}));
}

// Four bytes on their way are a hundred in memory.
TEST_F(HomeBounds, MessagesAreCountedAsTheyLieInMemory) {
  protocol::JobMessage message;
  auto& trace = *message.mutable_stack_trace();
  for (int i = 0; i < 100'000; ++i) trace.add_threads()->set_tid(1);
  const auto before = test::resident_bytes();
  EXPECT_LT(other_->flood(message), 64 * kMiB);
  EXPECT_LT(test::resident_bytes(), before + 500 * kMiB);
  EXPECT_TRUE(control_.lost_because({"more than can be dealt with"}));
}

TEST_F(HomeBounds, AMessageWithoutEnd) {
  protocol::JobMessage message;
  message.mutable_part()->set_piece(std::string(512 << 10, 'x'));
  EXPECT_LT(other_->flood(message), 64 * kMiB + kOnTheWay);
  EXPECT_TRUE(control_.lost_because({"a message without end"}));
}

TEST_F(HomeBounds, WordsThatNobodyWouldRead) {
  protocol::JobMessage message;
  message.mutable_abort()->set_reason(std::string(100'000, 'x'));
  other_->say(message);
  EXPECT_TRUE(control_.lost_because({"words that nobody would read"}));
}

// They are answered as they come, and the answers are not taken; whichever fills first ends it.
TEST_F(HomeBounds, RequestsForFiles) {
  make_world();
  for (int i = 0; i < 60; ++i)
    traffic_->link().send(FrameType::kFileReply, 0, std::string(kMiB, 'x'));
  EXPECT_LT(other_->flood(FrameType::kFileRequest, 0, request(FUSE_GETATTR, fuse_getattr_in{})),
            300 * kMiB);
  EXPECT_TRUE(control_.lost_because(
      {"file view request: far too many are waiting", "without taking what it gets for it"}));
}

// What home has to say while nobody hears it is kept, however much it is, and ends nothing: home
// takes nothing in meanwhile.
TEST_F(HomeBounds, AFullLinkTakesNothingInUntilThereIsRoom) {
  add_stream(kStream);
  constexpr std::uint64_t kFrames = 80;
  for (std::uint64_t i = 0; i < kFrames; ++i)
    traffic_->link().send(FrameType::kFileReply, 0, std::string(kMiB, 'x'));
  EXPECT_TRUE(traffic_->link().full());
  ASSERT_TRUE(other_->say(FrameType::kStreamData, kStream, "heard"));
  std::uint64_t received = 0;
  std::uint64_t replies = 0;
  while (received == 0 || replies < kFrames) {  // it says that it has got the frame
    const auto frame = other_->read();
    ASSERT_TRUE(frame);
    if (frame->header.type == FrameType::kFileReply) ++replies;
    if (frame->header.type == FrameType::kKeepAlive)
      std::memcpy(&received, frame->payload.data(), sizeof received);
  }
  ASSERT_TRUE(set_nonblocking(readers_[0].get(), true));
  char first = 0;
  EXPECT_EQ(::read(readers_[0].get(), &first, 1), -1) << "nothing is passed on yet";
  ASSERT_TRUE(set_nonblocking(readers_[0].get(), false));
  other_->acknowledge(kFrames);
  ASSERT_EQ(::read(readers_[0].get(), &first, 1), 1);
  EXPECT_EQ(first, 'h');
  EXPECT_FALSE(traffic_->link().full());
}

TEST_F(HomeBounds, NobodyFillsHomeWithWhatItDoesNotTakeIn) {
  add_stream(kStream);
  for (int i = 0; i < 80; ++i)
    traffic_->link().send(FrameType::kFileReply, 0, std::string(kMiB, 'x'));
  EXPECT_LT(other_->flood(FrameType::kStreamData, kStream, std::string(64 << 10, 'x')),
            64 * kMiB + kOnTheWay);
  EXPECT_TRUE(
      control_.lost_because({"the peer sent more, and more, without taking what it gets for it"}));
}

TEST_F(HomeBounds, WhatIsKeptWhileThereIsNoLinkEndsNothing) {
  traffic_->disconnect();
  for (int i = 0; i < 80; ++i)
    traffic_->link().send(FrameType::kFileReply, 0, std::string(kMiB, 'x'));
  auto sockets = make_socketpair(SOCK_STREAM);
  ASSERT_TRUE(sockets);
  auto in = sockets->first.duplicate();
  test::Hostile again(std::move(sockets->second));
  ASSERT_TRUE(in && traffic_->connect(std::move(*in), std::move(sockets->first)));
  for (std::uint64_t replies = 0; replies < 80;) {
    const auto frame = again.read();
    ASSERT_TRUE(frame);
    if (frame->header.type == FrameType::kFileReply) ++replies;
  }
  EXPECT_TRUE(traffic_->link().connected());
}

}  // namespace
}  // namespace llrun
