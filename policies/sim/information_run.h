// InformationRun: an information policy among many simulated nodes, without anything to decide: how
// old is what they know, and what does it cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "policies/information/information.h"

namespace llrun::policies::sim {

struct InformationConfig {
  std::string policy = "gossip";
  std::size_t nodes = 100;
  double seconds = 60;         // simulated; the second half is measured
  double delay_s = 0.05;       // of a message
  double vanish_part = 0;      // of the nodes, all at once, at a quarter of the time
  InformationOptions options;  // self and seed are filled in
};

struct InformationResult {
  double known = 0;  // nodes known to a node, mean
  double age_mean_s = 0;
  double age_p95_s = 0;
  double messages_per_node_s = 0;  // sent, mean over nodes
  double bytes_per_node_s = 0;     // sent
  double bytes_busiest_s = 0;      // sent by the node that sends most
  double gone_known_part = 0;      // at the end, of what is known: vanished nodes
  double forgotten_after_s =
      0;  // since the vanishing, until no node knew a vanished one; 0: none vanished
};

[[nodiscard]] Result<InformationResult> run_information(const InformationConfig& config,
                                                        std::uint64_t seed);

}  // namespace llrun::policies::sim
