// What a strategy is told: the cluster as one node knows it, and the processes that run on that
// node.
//
// Plain values. The node agent fills them from /proc and from the information policy, the simulator
// from its model; a strategy cannot tell which of the two is asking. Units are in the names: _s
// seconds, _bytes bytes, CPU seconds are seconds of one core of speed 1 unless said otherwise.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policies/cost_model.h"
#include "policies/strategy/census.h"

namespace llrun::policies {

// The way from the deciding node to a peer.
struct Link {
  double rtt_s = 0.0005;
  double bandwidth_bytes_per_s = 117e6;  // what one stream really gets; 1 Gbit/s by default
};

// One node, as it said itself `age_s` seconds ago.
struct NodeView {
  std::string name;
  double load = 0;       // processes running or ready, smoothed in half-second steps
  double run_queue = 0;  // the same, at the moment of the report
  double cores = 1;  // that may be used: affinity and cgroup quota respected, so may be fractional
  double speed = 1;  // of one core, relative to the reference
  double memory_bytes = 0;  // that processes may use in all; 0: unknown
  double free_memory_bytes =
      0;                  // that may be used without swapping; ignored while memory_bytes is 0
  bool levelling = true;  // takes part (llrunctl off: false)
  bool accepts = true;    // lets guests in now (owner's limits, draining, pressure)
  int incoming = 0;       // promised to others or sent by us, not yet in run_queue
  Census census;  // of run_queue and incoming, by CPU age; processes it lacks are of unknown age
  // Threads running that the census does not count, without those of a moment: of programs that
  // nobody knows, and more than one of a process. None: not known, as of other nodes.
  std::optional<double> uncounted;
  double age_s = 0;  // of this information; 0 for the deciding node itself
  Link link;         // from the deciding node

  // CPU seconds a second; above zero whatever a node says of itself, since it is divided by.
  [[nodiscard]] double capacity() const { return std::max(cores * speed, 1e-4); }
  // Processes that a newcomer would find there: run queue and what is on its way.
  [[nodiscard]] double crowd() const { return run_queue + incoming; }
};

// One process the strategy may move.
struct ProcessView {
  std::uint64_t id = 0;         // unique on the node; the asker's own name for it
  double age_s = 0;             // wall clock, since it started
  double cpu_s = 0;             // CPU it has used since it started
  double cpu_since_move_s = 0;  // the same since its last move (cpu_s when it never moved)
  double cpu_rate = 1;          // cores it would use if there were enough: 1 for one busy thread
  double rss_bytes = 0;
  double dirty_bytes = 0;        // anonymous memory that would have to travel
  double dirty_bytes_per_s = 0;  // how fast it writes to memory again what has been sent
  double home_calls_per_s = 0;   // calls that go (or would go) home, per second of running
  double home_bytes_per_s = 0;   // file, terminal and network traffic that goes (or would go) home
  int moves = 0;                 // so far
  double last_move_age_s = 0;    // wall clock; meaningless while moves is 0
  bool pinned = false;           // has pins: may not leave this node now
  bool placed = false;           // was offered to place() when it started
  std::optional<std::size_t>
      home;  // index of its home in ClusterView::peers; none: home is here (or unknown)
  std::optional<double> remaining_cpu_s;  // expected from history or a hint; none: the 1/T law
  std::string_view program;               // history's key; lives as long as the view
};

// A program about to be executed.
struct ExecView {
  std::string_view program;
  double rss_bytes = 0;                  // expected, 0 unknown
  double home_calls_per_s = 0;           // expected from history, 0 unknown
  std::optional<double> expected_cpu_s;  // from history or a hint; none: nothing known
  bool never = false;                    // a hint says: not this one
};

// All that one node knows when it decides. Peers exclude the node itself; their order is the
// asker's and means nothing, but indices in decisions refer to it.
struct ClusterView {
  NodeView self;
  std::span<const NodeView> peers;
  double now_s = 0;       // a monotonic clock of the deciding node
  double place_s = 0.05;  // what starting a program on a peer costs it, beyond starting it here
  CostModel cost;         // what moves have been costing this node
  bool explain = false;   // also answer why each process stays
};

}  // namespace llrun::policies
