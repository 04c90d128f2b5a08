// opportunity-cost: Amir, Awerbuch, Barak, Borgstrom, Keren, "An opportunity cost approach for job
// assignment in a scalable computing cluster" (IEEE TPDS 2000). The cost of a node is exponential
// in the use of each of its resources, n^(memory used / memory) + n^(load / most load), so CPU and
// memory are compared in one currency. A program starts, and a process goes, where the cost of the
// cluster rises least.
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "policies/cost.h"
#include "policies/random.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"
#include "policies/strategy/placement_strategy.h"

namespace llrun::policies {

namespace {

class OpportunityCost final : public Strategy {
 public:
  explicit OpportunityCost(const Settings& settings)
      : margin_(settings["margin"]), stay_s_(settings["stay_s"]), random_(settings.seed()) {}
  std::string_view name() const override { return "opportunity-cost"; }
  std::vector<Decision> decide(const ClusterView& view,
                               std::span<const ProcessView> processes) override;
  Placement place(const ClusterView& view, const ExecView& exec) override;

 private:
  struct Choice {
    std::optional<std::size_t> peer;
    double cost = 0;
  };
  // n of the formula and the load that counts as full: at least every load in sight.
  void measure(const ClusterView& view);
  [[nodiscard]] double marginal(const NodeView& node, double processes, double used_bytes,
                                double bytes) const;
  [[nodiscard]] double joining(const NodeView& node, double bytes) const;
  [[nodiscard]] Choice cheapest(const ClusterView& view, double bytes);

  double margin_, stay_s_;
  Random random_;
  double log_n_ = 1;
  double full_load_ = 1;
};

double used(const NodeView& node) { return node.memory_bytes - node.free_memory_bytes; }

void OpportunityCost::measure(const ClusterView& view) {
  double most = view.self.crowd() / view.self.capacity();
  for (const NodeView& node : view.peers)
    most = std::max(most, (node.crowd() + 1) / node.capacity());
  log_n_ = std::log(static_cast<double>(view.peers.size() + 2));
  full_load_ =
      static_cast<double>(std::bit_ceil(static_cast<unsigned>(std::ceil(std::min(most, 1e6)) + 1)));
}

// What one more process of `bytes` adds to the cost of a node with `processes` and `used_bytes`.
double OpportunityCost::marginal(const NodeView& node, double processes, double used_bytes,
                                 double bytes) const {
  const auto priced = [this](double part) { return std::exp(log_n_ * part); };
  const double scale = node.capacity() * full_load_;
  double cost = priced((processes + 1) / scale) - priced(processes / scale);
  if (node.memory_bytes > 0)
    cost +=
        priced((used_bytes + bytes) / node.memory_bytes) - priced(used_bytes / node.memory_bytes);
  return cost;
}

double OpportunityCost::joining(const NodeView& node, double bytes) const {
  return marginal(node, node.crowd(), used(node), bytes);
}

OpportunityCost::Choice OpportunityCost::cheapest(const ClusterView& view, double bytes) {
  Choice best;
  const std::size_t count = view.peers.size();
  const std::size_t start = count > 0 ? random_.below(count) : 0;
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t peer = (start + step) % count;
    const double cost = joining(view.peers[peer], bytes);
    if ((best.peer && cost >= best.cost) || !can_receive(view.peers[peer], bytes)) continue;
    best = {peer, cost};
  }
  return best;
}

Placement OpportunityCost::place(const ClusterView& view, const ExecView& exec) {
  if (exec.never) return stay_here(view, exec.rss_bytes, "a hint says never");
  measure(view);
  const double here = joining(view.self, exec.rss_bytes);
  const Choice there = cheapest(view, exec.rss_bytes);
  Placement placement =
      there.peer && there.cost < here * (1 - margin_)
          ? go_to(view, *there.peer, exec.rss_bytes,
                  view.peers[*there.peer].name + " has the smallest opportunity cost")
          : stay_here(view, exec.rss_bytes, "this node has the smallest opportunity cost");
  placement.offer.at_start = true;
  placement.numbers.emplace_back("cost_here", here);
  placement.numbers.emplace_back("cost_there", there.cost);
  return placement;
}

// Where many run, only the oldest are worth pricing: the saving counts for as long as they live.
std::vector<ProcessView> oldest(std::span<const ProcessView> processes) {
  constexpr std::size_t kMostPriced = 2;
  std::vector<ProcessView> all(processes.begin(), processes.end());
  std::erase_if(all, [](const ProcessView& process) { return process.pinned; });
  std::ranges::sort(all, std::greater{}, [](const ProcessView& process) {
    return process.remaining_cpu_s.value_or(process.cpu_since_move_s);
  });
  if (all.size() > kMostPriced) all.resize(kMostPriced);
  return all;
}

// The saving counts for as long as the process is expected to live, the move's price at once: so
// old processes may go for a small saving, young ones only for a large one.
std::vector<Decision> OpportunityCost::decide(const ClusterView& view,
                                              std::span<const ProcessView> processes) {
  std::optional<ProcessView> chosen;
  Choice where;
  double best_saving = 0, best_here = 0;
  measure(view);
  for (const ProcessView& process : oldest(processes)) {
    if (process.pinned || (process.moves > 0 && process.last_move_age_s < stay_s_)) continue;
    const double here =
        marginal(view.self, std::max(0.0, view.self.crowd() - 1),
                 std::max(0.0, used(view.self) - process.rss_bytes), process.rss_bytes);
    const Choice there = cheapest(view, process.rss_bytes);
    if (!there.peer || there.cost >= here * (1 - margin_)) continue;
    const double life = process.remaining_cpu_s.value_or(process.cpu_since_move_s);
    const double part = (here - there.cost) / here;
    const double price = move_cost(process, view.peers[*there.peer].link, view.cost).total_s();
    if (life * part - price <= best_saving) continue;
    best_saving = life * part - price;
    best_here = here;
    chosen = process;
    where = there;
  }
  if (!chosen) return {};
  const Offer offer{s_per_cpu_s(view.self, view.self.crowd()), chosen->rss_bytes, false};
  return {{chosen->id,
           where.peer,
           view.peers[*where.peer].name + " has the smaller opportunity cost",
           {{"cost_here", best_here}, {"cost_there", where.cost}, {"saving_s", best_saving}},
           offer}};
}

}  // namespace

BuiltinStrategy opportunity_cost_strategy() {
  return {{"opportunity-cost",
           "programs and processes go where CPU and memory in one exponential cost rise least",
           {{"margin", 0.05, "part by which a peer must be cheaper"},
            {"stay_s", 1, "seconds a process stays after a move"}}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<OpportunityCost>(settings);
          }};
}

}  // namespace llrun::policies
