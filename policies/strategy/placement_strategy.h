// PlacementStrategy: for strategies that only choose where a program starts.
//
// A process that was never offered to place() (attached, or started where nobody could ask) is
// placed once, at the first decision that sees it; after that it stays where it is.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "policies/strategy/strategy.h"

namespace llrun::policies {

class PlacementStrategy : public Strategy {
 public:
  std::vector<Decision> decide(const ClusterView& view,
                               std::span<const ProcessView> processes) final;
  Placement place(const ClusterView& view, const ExecView& exec) final;

 protected:
  // Where one newcomer should run; `bytes` is the memory it needs.
  [[nodiscard]] virtual Placement choose(const ClusterView& view, double bytes) = 0;

 private:
  [[nodiscard]] Decision place_late(const ClusterView& view, const ProcessView& process);

  std::unordered_set<std::uint64_t> dealt_;  // of the processes seen last time
};

// "here", with the offer filled in: what choose() starts from.
[[nodiscard]] Placement stay_here(const ClusterView& view, double bytes, std::string reason);
[[nodiscard]] Placement go_to(const ClusterView& view, std::size_t peer, double bytes,
                              std::string reason);

}  // namespace llrun::policies
