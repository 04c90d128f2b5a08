#include "policies/sim/migrations.h"

#include <algorithm>

namespace llrun::policies::sim {

std::size_t Migrations::keep(const Move& move) {
  if (free_.empty()) {
    moves_.push_back(move);
    return moves_.size() - 1;
  }
  const std::size_t index = free_.back();
  free_.pop_back();
  moves_[index] = move;
  return index;
}

void Migrations::begin(std::uint32_t slot, std::size_t target) {
  Process& process = processes_[slot];
  Node& from = cluster_[process.node];
  Node& to = cluster_[target];
  ProcessView view;
  view.dirty_bytes = process.job.rss_bytes;
  const Move move{slot,
                  process.generation,
                  process.node,
                  static_cast<std::uint32_t>(target),
                  process.promised_age_s,
                  move_cost(view, link_, cost_)};
  process.leaving = true;
  ++from.outgoing;
  const double now_s = queue_.now_s();
  const double wire_s = move.cost.network_bytes / link_.bandwidth_bytes_per_s;
  const double begin =
      std::max({now_s, wire_s > 0 ? from.link_free_s : 0, wire_s > 0 ? to.link_free_s : 0});
  if (wire_s > 0) from.link_free_s = to.link_free_s = begin + wire_s;
  queue_.put(begin + move.cost.transfer_s, events_.freeze, slot, keep(move));
}

void Migrations::freeze(std::size_t index) {
  const Move& move = moves_[index];
  network_bytes_ += move.cost.network_bytes;
  cluster_.burn(move.source, move.cost.cpu_s);
  cluster_.burn(move.target, move.cost.cpu_s);
  Process& process = processes_[move.slot];
  if (process.generation != move.generation) {  // it ended while it was copied
    negotiation_.redeem(move.target, move.promised_age_s);
    free_.push_back(index);
    return;
  }
  cluster_.leave(move.slot);
  process.leaving = false;
  --cluster_[move.source].outgoing;
  frozen_s_ += move.cost.freeze_s;
  queue_.put(queue_.now_s() + move.cost.freeze_s, events_.land, move.slot, index);
}

void Migrations::land(std::size_t index) {
  const Move& move = moves_[index];
  Process& process = processes_[move.slot];
  ++process.moves;
  process.last_move_s = queue_.now_s();
  process.received_at_move_s = process.received_s;
  negotiation_.redeem(move.target, move.promised_age_s);
  free_.push_back(index);
  cluster_.enter(move.slot, move.target);
}

}  // namespace llrun::policies::sim
