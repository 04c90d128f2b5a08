// AgentLink: one channel between two agents, whoever opened it. Hello both ways, then a load a
// second both ways.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "netproxy/channel/channel.h"
#include "supervisor/agent/guest_process.h"
#include "supervisor/protocol/agent.pb.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::agent {

class AgentLink {
 public:
  struct Handlers {
    std::function<void(const protocol::Hello&)> hello;
    std::function<void(protocol::Load, double rtt_us)> load;  // the other's
    std::function<void(const std::string& why)> closed;       // once; may destroy the link
  };

  [[nodiscard]] static Result<std::unique_ptr<AgentLink>> open(EventLoop& loop, ChannelEnds ends,
                                                               Handlers handlers);
  void send(const protocol::Hello& hello);
  void send(const protocol::Load& load);  // and a ping with it

 private:
  explicit AgentLink(Handlers handlers) : handlers_(std::move(handlers)) {}
  void on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload);
  void on_message(const protocol::AgentMessage& message);
  void send(const protocol::AgentMessage& message);

  Handlers handlers_;
  Fd lifeline_;
  std::unique_ptr<Channel> channel_;
  double rtt_us_ = 0;
};

}  // namespace llrun::agent
