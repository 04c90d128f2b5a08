// Small clusters and processes for the tests of decisions.
#pragma once

#include <string>
#include <vector>

#include "policies/strategy/strategy.h"

namespace llrun::policies::testing {

inline NodeView node(std::string name, double processes, double cores = 1, double speed = 1) {
  NodeView view;
  view.name = std::move(name);
  view.load = processes;
  view.run_queue = processes;
  view.cores = cores;
  view.speed = speed;
  return view;
}

inline ProcessView process(std::uint64_t id, double cpu_s) {
  ProcessView view;
  view.id = id;
  view.age_s = cpu_s;
  view.cpu_s = cpu_s;
  view.cpu_since_move_s = cpu_s;
  view.placed = true;
  return view;
}

inline ClusterView cluster(NodeView self, const std::vector<NodeView>& peers) {
  ClusterView view;
  view.self = std::move(self);
  view.peers = peers;
  return view;
}

inline std::unique_ptr<Strategy> make(std::string_view name, StrategyOptions options = {}) {
  auto strategy = make_strategy(name, options);
  LLRUN_CHECK(strategy.has_value(), strategy.error().message());
  return *std::move(strategy);
}

}  // namespace llrun::policies::testing
