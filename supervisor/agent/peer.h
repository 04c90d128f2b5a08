// Peer: one configured node, reached by its command. Keeps a channel to it, and tries again when
// that ends.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "netproxy/channel/channel_process.h"
#include "supervisor/agent/agent_link.h"
#include "supervisor/config/config.h"

namespace llrun::agent {

class Peer {
 public:
  struct Handlers {
    std::function<protocol::Hello()> own_hello;
    std::function<void(protocol::Load, double rtt_us)> load;
    std::function<void(const std::string& why)>
        unreachable;  // at each failed attempt and each loss
    std::function<protocol::Holding(const protocol::HoldingQuestion&)> holding;
  };
  // A channel that opens but says nothing: the peer's agent has to start, ssh has to log in.
  static constexpr std::chrono::seconds kPatience{20};
  static constexpr std::chrono::seconds kFirstDelay{1};
  static constexpr std::chrono::seconds kLongestDelay{30};

  Peer(EventLoop& loop, config::Peer config, Handlers handlers);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void connect();
  void send(const protocol::Load& load);
  // False: there is no open channel; the reply is not used.
  [[nodiscard]] bool ask(const protocol::AgentVerb& verb, const control::Reply& reply);
  void ask(const protocol::HoldingQuestion& question, const AgentLink::OnHolding& on_holding);
  // The other's, as it told it when the channel was opened; none while there is none.
  [[nodiscard]] const protocol::Hello* hello() const { return greeted_ ? &hello_ : nullptr; }
  // The channel is open but the peer is not heard any more. One that is being opened has its own
  // patience.
  void drop(const std::string& why);
  // When the channel in use was opened: the beginning of time while there is none.
  [[nodiscard]] EventLoop::Clock::time_point open_since() const { return open_since_; }
  [[nodiscard]] const config::Peer& config() const { return config_; }

 private:
  Result<> open();
  void on_hello(const protocol::Hello& hello);
  void read_complaints();
  void end(const std::string& why);
  [[nodiscard]] std::string reason(const std::string& why);

  EventLoop& loop_;
  config::Peer config_;
  Handlers handlers_;
  std::unique_ptr<AgentLink> link_;
  std::unique_ptr<ChannelProcess> process_;
  Fd complaints_;           // stderr of the command
  std::string complained_;  // its beginning
  bool greeted_ = false;
  EventLoop::Clock::time_point open_since_;
  protocol::Hello hello_;
  EventLoop::TimerId timer_ = 0;  // patience while connecting, else the next attempt
  std::chrono::milliseconds delay_ = kFirstDelay;
};

}  // namespace llrun::agent
