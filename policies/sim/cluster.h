// Cluster: the nodes, who runs on them, and what that wastes.
//
// Whoever comes or goes does so here, so that the next end on each node is always an event in the
// queue, memory is counted, and idle cores beside waiting processes are seen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "policies/sim/event_queue.h"
#include "policies/sim/knowledge.h"
#include "policies/sim/node.h"
#include "policies/sim/process_table.h"

namespace llrun::policies::sim {

class Cluster {
 public:
  // `end_event`: the kind of the events that say that somebody on a node may have ended.
  Cluster(EventQueue& queue, ProcessTable& processes, std::uint32_t end_event)
      : queue_(queue), processes_(processes), end_event_(end_event) {}

  // All nodes as one pool of cores.
  void add_pool(const std::vector<SimNode>& nodes);
  Node& add(const SimNode& node, std::unique_ptr<Strategy> strategy);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::deque<Node>& nodes() { return nodes_; }
  [[nodiscard]] Node& operator[](std::size_t index) { return nodes_[index]; }

  void enter(std::uint32_t slot, std::size_t node);
  void leave(std::uint32_t slot);  // its CPU received so far is kept
  // The node's guests stand back as its strategy has it for their age.
  void age_guests(std::size_t node);
  // Work that is nobody's: what moving costs a node.
  void burn(std::size_t node, double cpu_s);
  // At an end event: the next process of the node that has ended now; it has left. Call until there
  // is none.
  [[nodiscard]] std::optional<std::uint32_t> take_ended(const Event& event);

  // An oracle's census: by the CPU that each process still needs, not by its age.
  void count_by_what_is_left() { by_what_is_left_ = true; }
  // The node as it knows itself.
  [[nodiscard]] NodeState truth(std::size_t node);
  // Each process there that is not leaving, and the CPU it has received so far.
  void each_process(std::size_t node,
                    const std::function<void(std::uint32_t slot, double cpu_s)>& tell);

  [[nodiscard]] double busy_cpu_s();
  [[nodiscard]] double overhead_cpu_s() const { return overhead_cpu_s_; }
  // Core seconds that were idle while as many processes shared cores elsewhere.
  [[nodiscard]] double wasted_core_s() const { return wasted_core_s_ + wasted_since(counted_s_); }

 private:
  static constexpr std::uint32_t kOverhead = 0x80000000;  // ids of work that is nobody's

  [[nodiscard]] bool is_guest(std::uint32_t slot) const {
    return processes_[slot].job.home % nodes_.size() != processes_[slot].node;
  }
  void schedule_end(std::size_t node);
  void use_memory(std::size_t node, double bytes);
  void count(std::size_t node, int change);
  [[nodiscard]] double wasted_since(double time_s) const {
    return (queue_.now_s() - time_s) * std::max(0.0, std::min(idle_cores_, waiting_));
  }

  EventQueue& queue_;
  ProcessTable& processes_;
  std::uint32_t end_event_;
  std::deque<Node> nodes_;
  bool by_what_is_left_ = false;
  std::uint32_t overheads_ = 0;
  double overhead_cpu_s_ = 0;
  double idle_cores_ = 0, waiting_ = 0;  // now, over all nodes
  double counted_s_ = 0, wasted_core_s_ = 0;
};

}  // namespace llrun::policies::sim
