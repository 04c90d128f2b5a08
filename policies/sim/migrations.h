// Migrations: the processes on their way from one node to another. Each is pre-copied while it runs
// on (the link of both ends is taken), frozen, and lands.
#pragma once

#include <cstdint>
#include <vector>

#include "policies/cost.h"
#include "policies/sim/cluster.h"
#include "policies/sim/event_queue.h"
#include "policies/sim/negotiation.h"
#include "policies/sim/process_table.h"

namespace llrun::policies::sim {

class Migrations {
 public:
  struct Events {
    std::uint32_t freeze, land;  // kinds; the detail is what the functions below take
  };
  Migrations(Cluster& cluster, ProcessTable& processes, Negotiation& negotiation, EventQueue& queue,
             Events events, const CostModel& cost, const Link& link)
      : cluster_(cluster),
        processes_(processes),
        negotiation_(negotiation),
        queue_(queue),
        events_(events),
        cost_(cost),
        link_(link) {}

  void begin(std::uint32_t slot, std::size_t target);
  void freeze(std::size_t move);
  void land(std::size_t move);

  [[nodiscard]] double network_bytes() const { return network_bytes_; }
  [[nodiscard]] double frozen_s() const { return frozen_s_; }

 private:
  struct Move {
    std::uint32_t slot, generation, source, target;
    double promised_age_s;
    MoveCost cost;
  };
  [[nodiscard]] std::size_t keep(const Move& move);

  Cluster& cluster_;
  ProcessTable& processes_;
  Negotiation& negotiation_;
  EventQueue& queue_;
  Events events_;
  const CostModel& cost_;
  const Link& link_;
  std::vector<Move> moves_;
  std::vector<std::size_t> free_;
  double network_bytes_ = 0, frozen_s_ = 0;
};

}  // namespace llrun::policies::sim
