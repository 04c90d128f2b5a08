// Knowledge: what each simulated node knows of the others, as old as the configuration says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "policies/random.h"
#include "policies/sim/node.h"

namespace llrun::policies::sim {

// What changes about a node.
struct NodeState {
  double load = 0;
  double run_queue = 0;
  Census census;
  double free_bytes = 0;
  int incoming = 0;
};

class Knowledge {
 public:
  struct Options {
    double age_s = 1;
    double step_s = 0.25;
    std::size_t most_known = 64;
    std::uint64_t seed = 1;
    Link link;
  };
  using Truth = std::function<NodeState(std::size_t node, double now_s)>;
  Knowledge(const Options& options, std::deque<Node>& nodes, Truth truth);

  // All nodes report, every step.
  void snapshot(double now_s);
  void sent(std::size_t source, std::size_t target, double now_s, double cpu_age_s);

  // What `node` knows now, its own state true; valid until the next call.
  [[nodiscard]] ClusterView view(std::size_t node, double now_s);
  // The node behind an index of the last view's peers.
  [[nodiscard]] std::size_t node_of(std::size_t peer) const { return known_[peer]; }
  [[nodiscard]] NodeView self(std::size_t node, double now_s) const;

 private:
  struct Snapshot {
    double time_s;
    std::vector<NodeState> states;
  };
  void choose_known(std::size_t node);
  void show(NodeView& view, std::size_t node, const NodeState& state, double age_s) const;
  [[nodiscard]] const Snapshot* newest_before(double time_s) const;
  void count_sent(std::size_t node, double since_s);

  Options options_;
  std::deque<Node>& nodes_;
  Truth truth_;
  Random random_;
  std::deque<Snapshot> history_;
  std::vector<std::size_t> known_;  // beside peers_
  std::vector<NodeView> peers_;
};

}  // namespace llrun::policies::sim
