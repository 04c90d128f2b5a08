// Negotiation: a source asks targets, which answer with what is true there now, and promises are
// kept until the newcomer runs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "policies/sim/cluster.h"
#include "policies/sim/knowledge.h"
#include "policies/strategy/decision.h"

namespace llrun::policies::sim {

class Negotiation {
 public:
  Negotiation(Cluster& cluster, Knowledge& knowledge, const EventQueue& clock)
      : cluster_(cluster), knowledge_(knowledge), clock_(clock) {}

  // Asks all that were named, as indices of the source's view; of those that welcome it, the one of
  // least cost promises a place. None: it stays where it is.
  [[nodiscard]] std::optional<std::size_t> ask(std::size_t source, std::size_t first,
                                               const std::vector<std::size_t>& also,
                                               const Offer& offer);
  // The newcomer runs there now, or will not come.
  void redeem(std::size_t target, double cpu_age_s);

  [[nodiscard]] std::uint64_t refusals() const { return refusals_; }
  [[nodiscard]] std::uint64_t most_promised() const { return most_promised_; }

 private:
  void promise(std::size_t source, std::size_t target, const Offer& offer);

  Cluster& cluster_;
  Knowledge& knowledge_;
  const EventQueue& clock_;
  std::uint64_t refusals_ = 0, most_promised_ = 0;
};

}  // namespace llrun::policies::sim
