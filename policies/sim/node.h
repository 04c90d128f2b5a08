// A simulated node, and the truth about it as the node itself would tell it.
#pragma once

#include <cstddef>
#include <deque>
#include <limits>
#include <memory>
#include <string>

#include "policies/sim/processor.h"
#include "policies/strategy/strategy.h"

namespace llrun::policies::sim {

struct SimNode {
  double cores = 1;
  double speed = 1;
  double memory_bytes = 0;  // 0: unlimited
};

// A newcomer this node sent away, until reports younger than that have come.
struct Sent {
  double time_s;
  std::size_t target;
  double cpu_age_s;
};

[[nodiscard]] inline std::string node_name(std::size_t index) {
  std::string name(1, 'n');
  return name += std::to_string(index);
}

struct Node {
  Node(std::string node_name, Processor processor)
      : name(std::move(node_name)), cpu(std::move(processor)) {}

  std::string name;
  Processor cpu;
  double cores = 1;
  double speed = 1;
  double memory_bytes = 0;
  double used_bytes = 0;
  int incoming = 0;  // admitted, not yet running here
  Census promised;   // those
  int outgoing = 0;  // running here, on their way out
  double link_free_s = 0;
  double scheduled_end_s =
      std::numeric_limits<double>::infinity();  // of the earliest event in the queue
  std::unique_ptr<Strategy> strategy;
  std::deque<Sent> sent;
};

}  // namespace llrun::policies::sim
