#include "policies/sim/knowledge.h"

#include <algorithm>
#include <utility>

namespace llrun::policies::sim {

Knowledge::Knowledge(const Options& options, std::deque<Node>& nodes, Truth truth)
    : options_(options), nodes_(nodes), truth_(std::move(truth)), random_(options.seed) {
  const std::size_t known = std::min(options_.most_known, nodes_.size() - 1);
  known_.resize(known);
  peers_.resize(known);
  for (NodeView& peer : peers_) peer.link = options_.link;
}

void Knowledge::snapshot(double now_s) {
  Snapshot fresh;
  if (history_.size() > 1 && history_[1].time_s <= now_s - options_.age_s - options_.step_s) {
    fresh.states.swap(history_.front().states);  // its memory is used again
    history_.pop_front();
  }
  fresh.time_s = now_s;
  fresh.states.resize(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) fresh.states[i] = truth_(i, now_s);
  history_.push_back(std::move(fresh));
}

void Knowledge::sent(std::size_t source, std::size_t target, double now_s, double cpu_age_s) {
  nodes_[source].sent.push_back({now_s, target, cpu_age_s});
}

const Knowledge::Snapshot* Knowledge::newest_before(double time_s) const {
  for (auto snapshot = history_.rbegin(); snapshot != history_.rend(); ++snapshot)
    if (snapshot->time_s <= time_s + 1e-9) return &*snapshot;
  return nullptr;
}

// Everybody in a small cluster; a random few of a large one, as the gossip window would hold.
void Knowledge::choose_known(std::size_t node) {
  const std::size_t others = nodes_.size() - 1;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    const std::size_t pick = known_.size() == others ? i : random_.below(others);
    known_[i] = pick < node ? pick : pick + 1;
  }
}

void Knowledge::show(NodeView& view, std::size_t index, const NodeState& state,
                     double age_s) const {
  const Node& node = nodes_[index];
  if (view.name != node.name) view.name = node.name;
  view.load = state.load;
  view.run_queue = state.run_queue;
  view.census = state.census;
  view.incoming = state.incoming;
  view.cores = node.cores;
  view.speed = node.speed;
  view.memory_bytes = node.memory_bytes;
  view.free_memory_bytes = state.free_bytes;
  view.age_s = age_s;
}

NodeView Knowledge::self(std::size_t node, double now_s) const {
  NodeView view;
  show(view, node, truth_(node, now_s), 0);
  return view;
}

// What we sent after the report was made is not in it.
void Knowledge::count_sent(std::size_t node, double since_s) {
  auto& sent = nodes_[node].sent;
  while (!sent.empty() && sent.front().time_s <= since_s) sent.pop_front();
  for (const Sent& one : sent)
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (known_[i] == one.target) {
        ++peers_[i].incoming;
        peers_[i].census.add(one.cpu_age_s);
      }
}

ClusterView Knowledge::view(std::size_t node, double now_s) {
  choose_known(node);
  const Snapshot* old = options_.age_s > 0 ? newest_before(now_s - options_.age_s) : nullptr;
  const bool live = options_.age_s <= 0;
  const double age_s = live ? 0 : old != nullptr ? now_s - old->time_s : now_s;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    const NodeState state = live             ? truth_(known_[i], now_s)
                            : old != nullptr ? old->states[known_[i]]
                                             : NodeState{};
    show(peers_[i], known_[i], state, age_s);
  }
  if (!live) count_sent(node, now_s - age_s);
  ClusterView view;
  view.self = self(node, now_s);
  view.peers = peers_;
  view.now_s = now_s;
  return view;
}

}  // namespace llrun::policies::sim
