// Targets: the peers a decision may still choose from, best first, kept true while it chooses.
//
// Each process sent makes its target more crowded in the mind of the decider, so one decision does
// not send everything to one node. Equal nodes are taken in random order, so that many deciders
// with the same old information do not all choose the same one.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "policies/random.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

struct Target {
  std::size_t peer = 0;    // index in ClusterView::peers
  double crowd = 0;        // processes there, without the newcomer
  double s_per_cpu_s = 0;  // for the newcomer, itself counted
};

class Targets {
 public:
  enum class Crowd {
    kNow,      // run queue: for programs about to start, most of which end soon
    kLasting,  // the larger of run queue and smoothed load: for moves, which must pay later
  };
  Targets(const ClusterView& view, Crowd measure, Random& random);

  // The best peer with room for `bytes`; none when there is none among the best few.
  [[nodiscard]] std::optional<Target> best(double bytes) const;
  // The next best few after best(), for asking several.
  [[nodiscard]] std::vector<std::size_t> runners_up(double bytes, std::size_t count) const;
  // A process will go there.
  void took(const Target& target);

 private:
  const ClusterView& view_;
  std::vector<Target> best_;  // at most kKept, best first
};

}  // namespace llrun::policies
