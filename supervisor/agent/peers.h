// Peers: what this node knows of the others, from the channels it opened and those that were opened
// to it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/agent/event_log.h"
#include "supervisor/agent/peer.h"

namespace llrun::agent {

// One other node, as it was last heard.
struct Known {
  protocol::Load load;  // reachable, unreachable_why and rtt_us are ours
  EventLoop::Clock::time_point heard_at{};
  EventLoop::Clock::time_point heard_there_at{};  // over the channel that this node has opened
  bool awaited = false;  // its command runs, and nothing is known of it yet
};

class Peers {
 public:
  using Clock = EventLoop::Clock;
  // Loads come every second: one may be late, two missing ones mean that it has gone.
  static constexpr double kSilentAfter = 2.5;           // times the interval that the peer promises
  static constexpr std::chrono::seconds kGivenUp{10};   // then the channel is opened anew
  static constexpr std::chrono::seconds kFirstWord{3};  // a peer is awaited no longer
  using OnVerb = std::function<void(const protocol::AgentVerb&, const control::Reply&)>;
  using Bandwidth = std::function<double(const std::string& node)>;  // MiB/s; 0: not known
  using Speed =
      std::function<double(const protocol::Load& load)>;  // of its cores, given what it says

  using OnHolding = std::function<protocol::Holding(const protocol::HoldingQuestion&)>;

  // `on_verb`: what other nodes ask of this one; `on_holding`: what they ask of its programs.
  Peers(EventLoop& loop, const config::Config& config, EventLog& log, OnVerb on_verb,
        Bandwidth bandwidth, Speed speed, OnHolding on_holding);
  void connect();
  // Nodes that are not in [nodes] are known by the channels that they open: so many at most, the
  // configured ones among them, and channels.
  static constexpr std::size_t kMostNodes = 1000;
  static constexpr std::size_t kMostChannels = 1000;
  static constexpr std::ptrdiff_t kMostChannelsOfOne = 16;
  // Why an agent that has opened a channel is not listened to, in words; empty: it is.
  [[nodiscard]] std::string why_not(const protocol::Hello& hello);
  // A channel that a peer's agent opened and said hello on.
  void adopt(const protocol::Hello& hello, ChannelEnds ends);
  void send(const protocol::Load& own);
  void look_for_silence();  // at least twice a second

  [[nodiscard]] const std::map<std::string, Known>& known() const { return known_; }
  // Whether the agent has just started, and a peer may be heard in a moment.
  [[nodiscard]] bool awaited() const;
  [[nodiscard]] const std::vector<std::string>* command(const std::string& node) const;
  // Asks the agent of a node. The answer always comes, if only to say that the node is not reached.
  void ask(const std::string& node, const protocol::AgentVerb& verb, const control::Reply& reply);
  // Asks whoever answers at that name, by whichever channels there are; there may be no answer.
  void ask(const std::string& node, const protocol::HoldingQuestion& question,
           const AgentLink::OnHolding& on_holding);
  // What the node said of itself; none: there is no channel to it.
  [[nodiscard]] const protocol::Hello* hello(const std::string& node) const;

 private:
  struct Incoming {
    std::string node;
    std::unique_ptr<AgentLink> link;
  };
  // Where this node reaches another itself, only who answers there speaks for it.
  enum class Channel : std::uint8_t { kOwn, kOpenedByIt };
  void heard(const std::string& node, protocol::Load load, double rtt_us, Channel over);
  [[nodiscard]] bool forget_one();
  void lost(const std::string& node, const std::string& why);
  [[nodiscard]] const Peer* find(const std::string& node) const;

  EventLoop& loop_;
  std::string name_;
  EventLog& log_;
  OnVerb on_verb_;
  Bandwidth bandwidth_;
  Speed speed_;
  OnHolding on_holding_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::list<Incoming> incoming_;
  std::map<std::string, Known> known_;
  Clock::time_point since_ = Clock::now();
};

}  // namespace llrun::agent
