// AgentLink: one channel between two agents, whoever opened it. Hello both ways, then a load a
// second both ways.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "netproxy/channel/channel.h"
#include "supervisor/agent/guest_process.h"
#include "supervisor/clock/estimate.h"
#include "supervisor/control/agent_client.h"
#include "supervisor/protocol/agent.pb.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::agent {

class AgentLink {
 public:
  struct Handlers {
    std::function<void(const protocol::Hello&)> hello;
    std::function<void(protocol::Load, double rtt_us)> load;  // the other's
    std::function<void(const std::string& why)> closed;       // once; may destroy the link
    // What the other asks of this node. Unset: it is refused. Only the side that opened the channel
    // was let in by somebody's key, so only it may ask.
    std::function<void(const protocol::AgentVerb&, const control::Reply&)> verb = {};
    // What the other wants to know of a job of this home; it orders nothing, so either side may
    // ask.
    std::function<protocol::Holding(const protocol::HoldingQuestion&)> holding = {};
  };
  using OnHolding = std::function<void(const protocol::Holding&)>;

  [[nodiscard]] static Result<std::unique_ptr<AgentLink>> open(EventLoop& loop, ChannelEnds ends,
                                                               Handlers handlers);
  void send(const protocol::Hello& hello);
  void send(const protocol::Load& load);  // and a ping with it
  // The answer always comes, also when the link ends before it.
  void ask(const protocol::AgentVerb& verb, const control::Reply& reply);
  // It ended because what came was not of this protocol: that is why, whatever else was said.
  [[nodiscard]] bool heard_nonsense() const { return heard_nonsense_; }
  void ask(protocol::HoldingQuestion question,
           OnHolding on_holding);  // no answer: it does not know
  ~AgentLink();
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

 private:
  explicit AgentLink(Handlers handlers) : handlers_(std::move(handlers)) {}
  void on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload);
  void on_message(const protocol::AgentMessage& message);
  void on_load(const protocol::Load& load);
  void on_pong(const protocol::AgentMessage& message);
  void on_holding_question(const protocol::HoldingQuestion& question);
  void on_holding_answer(const protocol::HoldingAnswer& answer);
  void on_verb(const protocol::RemoteVerb& question);
  void on_answer(const protocol::RemoteAnswer& answer);
  void send(const protocol::AgentMessage& message);
  void take_row(std::uint64_t id, const protocol::Row& row);

  Handlers handlers_;
  Fd lifeline_;
  std::unique_ptr<Channel> channel_;
  double rtt_us_ = 0;
  ClockQuestions clocks_;
  bool heard_nonsense_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  struct Question {
    control::Reply reply;
    std::size_t rows = 0, bytes = 0;  // that have come
  };
  std::map<std::uint64_t, Question> questions_;
  std::map<std::uint64_t, OnHolding> holding_questions_;
  std::uint64_t next_question_ = 1;
};

}  // namespace llrun::agent
