// A home that is anybody's: whatever it sends, the guest's side keeps no more of it than
// docs/protocol.md says ("Bounds"), and tells why the link has ended.
#include <signal.h>
#include <sys/socket.h>

#include "supervisor/guest/traffic.h"
#include "tests/unit/job/hostile.h"

namespace llrun {
namespace {

using test::kMiB;
using test::kOnTheWay;
using wire::FrameType;

class GuestBounds : public ::testing::Test {
 protected:
  GuestBounds() {
    auto sockets = make_socketpair(SOCK_STREAM);
    other_.emplace(std::move(sockets->second));
    traffic_ =
        std::move(*GuestTraffic::create(control_.loop(), 1,
                                        {[](const auto&) {}, [](auto, const auto&) {},
                                         [this](const Error& error) { control_.on_lost(error); }}));
    auto in = sockets->first.duplicate();
    EXPECT_TRUE(in && traffic_->connect(std::move(*in), std::move(sockets->first)));
  }

  test::ControlLoop control_;
  std::optional<test::Hostile> other_;
  std::unique_ptr<GuestTraffic> traffic_;
};

TEST_F(GuestBounds, PagesBeyondTheirWindow) {
  const wire::PagesHeader header{0x10000, wire::kMaxPagesPerFrame, 0};
  const auto payload = std::string(text_of(bytes_of(header))) + std::string(kMiB, 'x');
  EXPECT_LT(other_->flood(FrameType::kPages, 0, payload), Link::kPagesWindow + kOnTheWay);
  EXPECT_TRUE(control_.lost_because({"the other side sends more pages than may be on their way"}));
}

TEST_F(GuestBounds, Signals) {
  siginfo_t info{};
  info.si_signo = SIGUSR1;
  protocol::JobMessage message;
  message.mutable_deliver_signal()->set_siginfo(std::string(text_of(bytes_of(info))));
  EXPECT_LT(other_->flood(message), 128 * kMiB + kOnTheWay);
  EXPECT_TRUE(control_.lost_because({"home sent more than can be dealt with"}));
}

TEST_F(GuestBounds, AMessageWithoutEnd) {
  protocol::JobMessage message;
  message.mutable_part()->set_piece(std::string(512 << 10, 'x'));
  EXPECT_LT(other_->flood(message), 64 * kMiB + kOnTheWay);
  EXPECT_TRUE(control_.lost_because({"a message without end"}));
}

// Questions that are answered at once, by one who does not take the answers.
TEST_F(GuestBounds, QuestionsWhoseAnswersAreNotTaken) {
  protocol::JobMessage message;
  message.mutable_clock_question()->set_number(1);
  const auto before = test::resident_bytes();
  EXPECT_LT(other_->flood(message), 256 * kMiB);
  EXPECT_LT(test::resident_bytes(), before + 600 * kMiB);
  EXPECT_TRUE(control_.lost_because({"without taking what it gets for it"}));
}

TEST_F(GuestBounds, WhatOnlyAGuestSends) {
  other_->say(FrameType::kStreamData, 1, "x");
  EXPECT_TRUE(control_.lost_because({"a frame that only a guest's side sends"}));
}

}  // namespace
}  // namespace llrun
