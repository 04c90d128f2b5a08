// What a peer may say, and of whom.
#include "supervisor/agent/peers.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "netproxy/channel/frame_io.h"
#include "supervisor/agent/traits.h"

namespace llrun::agent {
namespace {

constexpr std::chrono::seconds kLimit{60};

template <typename Message>
std::string framed(wire::FrameType type, const Message& message) {
  const auto payload = message.SerializeAsString();
  const wire::FrameHeader header{static_cast<std::uint32_t>(payload.size()), type, 0, 0, 0};
  return std::string(text_of(wire::encode(header))) + payload;
}

// An agent that has opened a channel to this node.
class Visitor {
 public:
  explicit Visitor(std::string node) : node_(std::move(node)) {
    auto sockets = make_socketpair(SOCK_STREAM);
    ours_ = std::move(sockets->first);
    auto copy = sockets->second.duplicate();
    ends_ = {std::move(sockets->second), std::move(*copy), Fd()};
  }
  [[nodiscard]] protocol::Hello hello() const {
    return own_hello(node_, protocol::Hello::PURPOSE_AGENT);
  }
  [[nodiscard]] ChannelEnds take_ends() { return std::move(ends_); }
  // False: the channel has ended.
  bool say(const protocol::AgentMessage& message) {
    wire::FrameHeader header;
    header.type = wire::FrameType::kAgent;
    const auto bytes = message.SerializeAsString();
    return write_frame(ours_.get(), header, bytes_of(std::string_view(bytes)), kLimit).has_value();
  }
  void leave() { ours_.reset(); }

 private:
  std::string node_;
  Fd ours_;
  ChannelEnds ends_;
};

class PeersTest : public ::testing::Test {
 protected:
  PeersTest() {
    config_.name = "here";
    config_.nodes.push_back({"b", {"true"}});
    make_peers();
  }
  void make_peers() {
    peers_.emplace(
        *loop_, config_, log_, [](const auto&, const auto&) {}, [](const auto&) { return 0.0; },
        [](const auto& load) { return load.speed(); },
        [this](const auto&) {
          if (on_holding_) on_holding_();
          return protocol::Holding();
        });
  }
  std::string come(Visitor& visitor) {
    if (auto why = peers_->why_not(visitor.hello()); !why.empty()) return why;
    peers_->adopt(visitor.hello(), visitor.take_ends());
    return "";
  }
  void run_until(const std::function<bool()>& reached) {
    const auto look = loop_->every(std::chrono::milliseconds(1), [&] {
      if (reached()) loop_->stop();
    });
    const auto limit = loop_->after(kLimit, [&] { loop_->stop(); });
    loop_->run();
    loop_->cancel(look);
    loop_->cancel(limit);
    EXPECT_TRUE(reached());
  }
  [[nodiscard]] bool reachable(const std::string& node) const {
    const auto known = peers_->known().find(node);
    return known != peers_->known().end() && known->second.load.reachable();
  }

  std::unique_ptr<EventLoop> loop_ = std::move(*EventLoop::create());
  config::Config config_;
  EventLog log_{"", "test"};
  std::function<void()> on_holding_;
  std::optional<Peers> peers_;
};

TEST_F(PeersTest, APeerSpeaksForItselfAlone) {
  Visitor visitor("c");
  ASSERT_EQ(come(visitor), "");
  protocol::AgentMessage message;
  message.mutable_load()->set_node("b");
  message.mutable_load()->set_running(7);
  ASSERT_TRUE(visitor.say(message));
  run_until([&] { return reachable("c"); });
  EXPECT_EQ(peers_->known().at("c").load.running(), 7);
  EXPECT_EQ(peers_->known().at("c").load.node(), "c");
  EXPECT_FALSE(reachable("b"));
  EXPECT_EQ(peers_->known().size(), 2U);
}

// It is silent for a while after its first words, as it has said that it would be.
TEST_F(PeersTest, WhereThisNodeReachesItselfOnlyThatOneSpeaksForIt) {
  Visitor itself("b");
  protocol::AgentMessage own;
  own.mutable_load()->set_running(1);
  own.mutable_load()->set_interval_ms(60'000);
  const std::string said = ::testing::TempDir() + "peers_test.says";
  std::ofstream(said) << framed(wire::FrameType::kHello, itself.hello())
                      << framed(wire::FrameType::kAgent, own);
  config_.nodes = {{"b", {"sh", "-c", "cat " + said + "; exec sleep 1000"}}};
  make_peers();
  peers_->connect();
  run_until([&] { return reachable("b"); });
  Visitor other("b");
  ASSERT_EQ(come(other), "");
  protocol::AgentMessage message;
  message.mutable_load()->set_running(7);
  ASSERT_TRUE(other.say(message));
  int questions = 0;
  on_holding_ = [&] { ++questions; };  // which comes behind the load
  protocol::AgentMessage question;
  question.mutable_holding_question()->set_job("job");
  ASSERT_TRUE(other.say(question));
  run_until([&] { return questions > 0; });
  EXPECT_EQ(peers_->known().at("b").load.running(), 1);
  ::unlink(said.c_str());
}

TEST_F(PeersTest, NobodyCallsItselfAsThisNodeDoes) {
  Visitor visitor("here");
  EXPECT_NE(come(visitor).find("this node calls itself here, too"), std::string::npos);
}

TEST_F(PeersTest, OneNodeHasSoManyChannels) {
  std::vector<Visitor> visitors;
  for (int i = 0; i < Peers::kMostChannelsOfOne; ++i)
    ASSERT_EQ(come(visitors.emplace_back("c")), "");
  EXPECT_NE(come(visitors.emplace_back("c")).find("16 of them from c"), std::string::npos);
  EXPECT_EQ(come(visitors.emplace_back("d")), "");
}

TEST_F(PeersTest, NamesAreForgottenWhenTheyAreTooMany) {
  for (std::size_t i = 0; i < Peers::kMostNodes + 20; ++i) {
    const auto name = "c" + std::to_string(i);
    Visitor visitor(name);
    ASSERT_EQ(come(visitor), "");
    visitor.leave();
    run_until([&] { return peers_->known().contains(name); });
  }
  EXPECT_LE(peers_->known().size(), Peers::kMostNodes);
  EXPECT_TRUE(peers_->known().contains("b")) << "which is in [nodes]";
}

// It opened the channel, and asks without end.
TEST_F(PeersTest, WhoDoesNotReadWhatItAsksForIsLeft) {
  Visitor visitor("c");
  ASSERT_EQ(come(visitor), "");
  protocol::AgentMessage message;
  *message.mutable_load() = {};
  ASSERT_TRUE(visitor.say(message));
  run_until([&] { return reachable("c"); });
  std::thread asking([&] {
    protocol::AgentMessage ping;
    ping.set_ping(1);
    while (visitor.say(ping)) {
    }
  });
  run_until([&] { return !reachable("c"); });
  asking.join();
  EXPECT_NE(peers_->known().at("c").load.unreachable_why().find("does not read what it is told"),
            std::string::npos);
}

}  // namespace
}  // namespace llrun::agent
