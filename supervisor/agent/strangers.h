// Strangers: the threads that run on this node and belong to no program that llrun knows.
//
// Only those that last count: what runs at one look alone, as the sh of somebody's command line, is
// gone before anything could make room for it.
#pragma once

#include <vector>

#include "policies/strategy/views.h"
#include "supervisor/agent/processes.h"
#include "supervisor/load/run_queue.h"

namespace llrun::agent {

class Strangers {
 public:
  Strangers() { smoothed_.step(0); }  // who is there at the first look has not lasted yet

  // At each look at the run queue, which found so many `running`. `self`: this node.
  void look(double running, const std::vector<const Supervised*>& processes,
            const policies::NodeView& self);
  // Those that were there at the last look, as far as they were at those before it; half a thread
  // at least.
  [[nodiscard]] double lasting() const;

 private:
  double last_ = 0;
  load::Smoothed smoothed_;
};

}  // namespace llrun::agent
