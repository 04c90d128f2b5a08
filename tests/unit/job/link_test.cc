#include "supervisor/job/link.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <random>

#include "base/bytes.h"
#include "supervisor/job/greeting.h"
#include "supervisor/job/io_thread.h"
#include "supervisor/job/message_parts.h"
#include "tests/unit/clock/pretended_sleep.h"

namespace llrun {
namespace {

constexpr auto kLimit = std::chrono::seconds(60);

// One side of a link, which notes the stream numbers of the frames it gets.
struct Side {
  explicit Side(std::function<void()> on_lost = [] {}) {
    io = std::move(*IoThread::start());
    io->ask([&] {
      link = std::make_unique<Link>(
          io->loop(),
          Link::Callbacks{[this](const wire::FrameHeader& header,
                                 std::span<const std::byte> payload) { on_frame(header, payload); },
                          [on_lost](const Error&) { on_lost(); }});
      link->set_epoch(1);
    });
  }
  ~Side() {
    io->ask([&] { link.reset(); });
  }
  void on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload) {
    if (header.type == wire::FrameType::kPages) {
      page_bytes += payload.size() - sizeof(wire::PagesHeader);
      link->landed(payload.size() - sizeof(wire::PagesHeader));
    } else {
      got.push_back(header.stream);
      if (got.size() == expected) done.set_value();
    }
  }
  std::unique_ptr<IoThread> io;
  std::unique_ptr<Link> link;
  std::vector<std::uint32_t> got;
  std::atomic<std::uint64_t> page_bytes = 0;
  std::size_t expected = 0;
  std::promise<void> done;
};

void connect(Side& a, Side& b) {
  auto pair = make_socketpair(SOCK_STREAM);
  ASSERT_TRUE(pair);
  for (auto [side, end] : {std::pair{&a, &pair->first}, std::pair{&b, &pair->second}}) {
    auto copy = end->duplicate();
    ASSERT_TRUE(copy);
    side->io->ask([&] { ASSERT_TRUE(side->link->connect(std::move(*end), std::move(*copy))); });
  }
}

TEST(Link, EveryFrameArrivesOnceInOrderOverManyBrokenConnections) {
  Side a;
  Side b;
  constexpr std::uint32_t kFrames = 3000;
  b.expected = kFrames;
  connect(a, b);
  std::mt19937 random(7);
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    a.link->send(wire::FrameType::kStreamData, i, std::string(random() % 3000, 'x'));
    if (i % 500 == 250) {
      // Cut at whatever byte the traffic has come to.
      a.io->ask([&] { a.link->disconnect(); });
      connect(a, b);
    }
  }
  ASSERT_EQ(b.done.get_future().wait_for(kLimit), std::future_status::ready);
  b.io->ask([&] {
    ASSERT_EQ(b.got.size(), kFrames);
    for (std::uint32_t i = 0; i < kFrames; ++i) ASSERT_EQ(b.got[i], i);
  });
}

TEST(Link, FramesSentWhileThereIsNoConnectionAreSentLater) {
  Side a;
  Side b;
  b.expected = 2;
  a.link->send(wire::FrameType::kStreamData, 0, "early");
  connect(a, b);
  a.link->send(wire::FrameType::kStreamData, 1, "late");
  ASSERT_EQ(b.done.get_future().wait_for(kLimit), std::future_status::ready);
}

TEST(Link, FramesOfAnotherEpochAreDroppedButCounted) {
  Side a;
  Side b;
  b.expected = 1;
  a.link->set_epoch(2);
  a.link->send(wire::FrameType::kStreamData, 11, "of another incarnation");
  a.link->set_epoch(1);
  a.link->send(wire::FrameType::kStreamData, 12, "of this one");
  connect(a, b);
  ASSERT_EQ(b.done.get_future().wait_for(kLimit), std::future_status::ready);
  b.io->ask([&] { EXPECT_EQ(b.got, std::vector<std::uint32_t>{12}); });
}

TEST(Link, PagesFlowNoFasterThanTheyLandAndFailWhenTheLinkIsCut) {
  Side a;
  Side b;
  connect(a, b);
  const std::vector<std::byte> megabyte(1 << 20);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(a.link->send_pages(static_cast<std::uint64_t>(i) << 20, megabyte));
  // What has been sent and not yet landed fits the window.
  EXPECT_GE(b.page_bytes + Link::kPagesWindow, 100U << 20);
  a.io->ask([&] { a.link->disconnect(); });
  const auto sent = a.link->send_pages(0, megabyte);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kGone);
}

TEST(Link, TheOtherSidesEndIsTold) {
  std::promise<void> lost;
  Side a([&] { lost.set_value(); });
  {
    Side b;
    connect(a, b);
  }
  EXPECT_EQ(lost.get_future().wait_for(kLimit), std::future_status::ready);
  EXPECT_FALSE(a.link->connected());
}

// Whoever waits to send pages is told, though nobody has closed anything.
TEST(Link, AConnectionOnWhichNothingIsHeardIsLost) {
  std::promise<void> lost;
  Side home([&] { lost.set_value(); });
  auto pair = make_socketpair(SOCK_STREAM);
  ASSERT_TRUE(pair);
  auto copy = pair->first.duplicate();
  ASSERT_TRUE(copy);
  home.link->set_patience(std::chrono::milliseconds(100));
  home.io->ask([&] { ASSERT_TRUE(home.link->connect(std::move(pair->first), std::move(*copy))); });
  // The first word of the other side, and then silence.
  const wire::FrameHeader first{.length = 8, .type = wire::FrameType::kKeepAlive, .epoch = 1};
  ASSERT_TRUE(write_all(pair->second.get(), wire::encode(first)));
  ASSERT_TRUE(write_all(pair->second.get(), bytes_of(std::uint64_t{0})));
  const std::vector<std::byte> memory(Link::kPagesWindow);
  const auto sent = home.link->send_pages(0x10000, memory);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kGone);
  EXPECT_EQ(lost.get_future().wait_for(kLimit), std::future_status::ready);
}

TEST(Greeting, ARefusalReachesTheOtherSideInItsWords) {
  auto pair = make_socketpair(SOCK_STREAM);
  ASSERT_TRUE(pair);
  refuse(pair->second.get(), "no guests here");
  protocol::Hello ours;
  ours.set_version(kProtocolVersion);
  const auto theirs = greet(pair->first.get(), pair->first.get(), ours, std::chrono::seconds(10));
  ASSERT_FALSE(theirs);
  EXPECT_EQ(theirs.error().code, ErrorCode::kRefused);
  EXPECT_EQ(theirs.error().attempted, "no guests here");
}

TEST(Greeting, AnotherVersionIsRefused) {
  auto pair = make_socketpair(SOCK_STREAM);
  ASSERT_TRUE(pair);
  protocol::Hello other;
  other.set_version(kProtocolVersion + 1);
  ASSERT_TRUE(say_hello(pair->second.get(), other));
  protocol::Hello ours;
  ours.set_version(kProtocolVersion);
  const auto theirs = greet(pair->first.get(), pair->first.get(), ours, std::chrono::seconds(10));
  ASSERT_FALSE(theirs);
  EXPECT_EQ(theirs.error().code, ErrorCode::kProtocol);
}

// Gathers the messages that arrive, as JobTraffic does.
struct Reader {
  Reader() {
    io = std::move(*IoThread::start());
    io->ask([this] {
      link = std::make_unique<Link>(
          io->loop(), Link::Callbacks{[this](const wire::FrameHeader&,
                                             std::span<const std::byte> payload) { take(payload); },
                                      [](const Error&) {}});
      link->set_epoch(1);
    });
  }
  ~Reader() {
    io->ask([this] { link.reset(); });
  }
  void take(std::span<const std::byte> payload) {
    auto message = parts.take(payload);
    ASSERT_TRUE(message) << message.error().message();
    if (*message) got.push_back(std::move(**message));
    if (got.size() == 2) done.set_value();
  }
  std::unique_ptr<IoThread> io;
  std::unique_ptr<Link> link;
  MessageParts parts;
  std::vector<protocol::JobMessage> got;
  std::promise<void> done;
};

TEST(Link, AMessageLongerThanAFrameArrivesWhole) {
  Side a;
  Reader b;
  auto pair = make_socketpair(SOCK_STREAM);
  ASSERT_TRUE(pair);
  auto copies = std::pair{pair->first.duplicate(), pair->second.duplicate()};
  ASSERT_TRUE(copies.first && copies.second);
  a.io->ask(
      [&] { ASSERT_TRUE(a.link->connect(std::move(pair->first), std::move(*copies.first))); });
  b.io->ask(
      [&] { ASSERT_TRUE(b.link->connect(std::move(pair->second), std::move(*copies.second))); });
  protocol::JobMessage large;
  for (int i = 0; i < 1000; ++i) {
    auto& thread = *large.mutable_image()->add_threads();
    thread.set_tid(i + 1);
    thread.set_xstate(std::string(11'000, static_cast<char>(i)));
  }
  protocol::JobMessage small;
  small.mutable_commit();
  a.link->send(large);
  a.link->send(small);
  ASSERT_EQ(b.done.get_future().wait_for(kLimit), std::future_status::ready);
  EXPECT_EQ(b.got[0].SerializeAsString(), large.SerializeAsString());
  EXPECT_TRUE(b.got[1].has_commit());
}

TEST(MessageParts, RefuseWhatNoSenderMakes) {
  protocol::JobMessage part;
  part.mutable_part()->set_piece("not a message");
  part.mutable_part()->set_last(true);
  MessageParts parts;
  EXPECT_FALSE(parts.take(bytes_of(std::string_view(part.SerializeAsString()))));
  part.mutable_part()->set_last(false);
  EXPECT_TRUE(parts.take(bytes_of(std::string_view(part.SerializeAsString()))));
  protocol::JobMessage other;
  other.mutable_commit();
  EXPECT_FALSE(parts.take(bytes_of(std::string_view(other.SerializeAsString()))));
}

// A connection to somebody who says nothing.
class ToTheSilent {
 public:
  ToTheSilent() {
    auto pair = make_socketpair(SOCK_STREAM);
    auto copy = pair->first.duplicate();
    other_ = std::move(pair->second);
    side_.io->ask(
        [&] { ASSERT_TRUE(side_.link->connect(std::move(pair->first), std::move(*copy))); });
  }
  Link& link() { return *side_.link; }
  IoThread& io() { return *side_.io; }

 private:
  Fd other_;
  Side side_;
};

// These are the last: what they pretend holds for the whole process.
TEST(LinkAndSleep, OwnSleepIsSilenceWhereItCounts) {
  test::PretendedSleep node;
  ToTheSilent silent;
  node.write(std::chrono::hours(1));
  EXPECT_GE(silent.link().silence(Link::Sleep::kCounts).count(), 0);
  EXPECT_LT(silent.link().silence(Link::Sleep::kDoesNotCount), -std::chrono::minutes(59))
      << "as if the hour before now had been slept through";
}

TEST(LinkAndSleep, WhoHasSleptSpeaksAtOnce) {
  test::PretendedSleep node;
  ToTheSilent silent;
  std::promise<std::uint64_t> said;
  const auto before = silent.link().bytes_sent();
  silent.io().ask([&] {
    // After the next look at the clocks, and before the next word that is said anyway.
    silent.io().loop().after(Link::kKeepAlivePeriod / 2,
                             [&] { said.set_value(silent.link().bytes_sent()); });
    node.write(Sleeps::kNoticed * 2);
  });
  auto then = said.get_future();
  ASSERT_EQ(then.wait_for(kLimit), std::future_status::ready);
  EXPECT_GT(then.get(), before);
}

}  // namespace
}  // namespace llrun
