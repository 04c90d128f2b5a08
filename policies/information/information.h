// InformationPolicy: how nodes learn of each other's load.
//
// One object a node agent, driven from one thread: tick() once a period with the node's own state,
// receive() for each message that came. Both answer with messages to send; the policy never touches
// a socket or a clock. What it knows is asked with view(). Loss, delay and vanished nodes are
// ordinary: knowledge grows old and is dropped.
//
// A site's directory fits behind the same calls: its policy answers tick() with an Outgoing to
// kDirectory, and the agent hands what it reads there to receive().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policies/information/report.h"

namespace llrun::policies {

struct Peer {
  std::string name;
  Link link;
};
// Every node that could be there, in the same order on every node; may include the node itself.
using PeerList = std::shared_ptr<const std::vector<Peer>>;

class InformationPolicy {
 public:
  virtual ~InformationPolicy() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual void set_peers(PeerList peers) = 0;

  // Once a period (a second). `self` is this node now.
  [[nodiscard]] virtual std::vector<Outgoing> tick(double now_s, const NodeView& self) = 0;
  [[nodiscard]] virtual std::vector<Outgoing> receive(double now_s, const Message& message) = 0;
  // The channel to `node` has broken, or a move there failed for want of it.
  virtual void unreachable(std::string_view node) = 0;

  // What is known of the others now, with its age; in no order.
  [[nodiscard]] virtual std::vector<NodeView> view(double now_s) const = 0;
};

struct InformationOptions {
  std::string self;               // this node's name
  std::uint64_t incarnation = 1;  // greater at each start of the agent
  std::uint64_t seed = 1;
  std::size_t fanout = 2;    // gossip: peers told a period
  std::size_t window = 32;   // gossip, master: reports in a message
  std::size_t keep = 128;    // gossip: reports remembered
  double forget_s = 30;      // older reports are dropped
  double master_lost_s = 5;  // master: silence after which the next in the list takes over
};

// "direct", "master" or "gossip"; kInvalid otherwise.
[[nodiscard]] Result<std::unique_ptr<InformationPolicy>> make_information_policy(
    std::string_view name, const InformationOptions& options);

}  // namespace llrun::policies
