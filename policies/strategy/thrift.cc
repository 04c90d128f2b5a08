#include "policies/strategy/thrift.h"

#include <algorithm>

#include "policies/cost.h"

namespace llrun::policies {

namespace {

constexpr double kShortestStay_s = 2;  // a rate measured over less is an accident

// Programs on the host, where it says; a run queue counts the threads of the process itself, too.
double crowd_of_host(const NodeView& host) {
  const double programs = host.census.count();
  return programs > 0 ? std::min(programs, host.crowd()) : host.crowd();
}

}  // namespace

std::optional<Decision> thrift(const ClusterView& view, const ProcessView& process) {
  if (!process.home || process.pinned || process.last_move_age_s < kShortestStay_s)
    return std::nullopt;
  const NodeView& home = view.peers[*process.home];
  const double tax =
      away_tax(process.home_calls_per_s, process.home_bytes_per_s, home.link, view.cost);
  const double here = s_per_cpu_s(view.self, crowd_of_host(view.self)) + tax;
  const double there = s_per_cpu_s(home, home.crowd() + 1);
  const double remaining = process.remaining_cpu_s.value_or(process.cpu_s);
  const double cost = move_cost(process, home.link, view.cost).total_s();
  if (tax <= 0 || remaining * (here - there) <= cost) return std::nullopt;
  const bool taxed = remaining * (here - tax - there) <= cost;
  return Decision{
      process.id,
      process.home,
      taxed ? "it is slower away than at home: its home calls and traffic cost more than they save"
            : "home would run it sooner by more than the way back costs",
      {{"tax_s_per_cpu_s", tax},
       {"here_s_per_cpu_s", here},
       {"home_s_per_cpu_s", there},
       {"cost_s", cost}},
      {here, process.rss_bytes, false}};
}

}  // namespace llrun::policies
