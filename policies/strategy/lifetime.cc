// lifetime: Harchol-Balter and Downey, "Exploiting process lifetime distributions for dynamic load
// balancing" (1996). Of processes that have lived T seconds about half live T more, so a process is
// worth moving once the CPU time it has used since its last move, times what each further CPU
// second becomes faster, exceeds what moving it costs. A program starts elsewhere only where a hint
// or its history says how long it will run, and by the same comparison.
#include <algorithm>
#include <cmath>
#include <utility>

#include "policies/ageing.h"
#include "policies/cost.h"
#include "policies/random.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"
#include "policies/strategy/placement_strategy.h"
#include "policies/strategy/targets.h"
#include "policies/strategy/thrift.h"

namespace llrun::policies {

namespace {

constexpr int kMostMovesAtOnce = 8;  // of one decision; the next is a second away

class Lifetime final : public Strategy {
 public:
  explicit Lifetime(const Settings& settings)
      : margin_(settings["margin"]),
        patience_(settings["patience"]),
        most_moves_(settings["most_moves"]),
        stay_s_(settings["stay_s"]),
        ageing_(settings["ageing_s"]),
        random_(settings.seed()) {}
  std::string_view name() const override { return "lifetime"; }
  std::vector<Decision> decide(const ClusterView& view,
                               std::span<const ProcessView> processes) override;
  Placement place(const ClusterView& view, const ExecView& exec) override;
  int guest_nice(double cpu_age_s) const override { return ageing_.nice_at(cpu_age_s); }

 private:
  [[nodiscard]] Decision judge(const ClusterView& view, const ProcessView& process,
                               double crowd_here, const Targets& targets,
                               std::optional<Target>& chosen) const;

  double margin_, patience_, most_moves_, stay_s_;
  Ageing ageing_;
  Random random_;
};

// What the move would pay for, if the future is as long as the past since the last move.
double expected_life_s(const ProcessView& process) {
  return process.remaining_cpu_s.value_or(process.cpu_since_move_s);
}

std::vector<const ProcessView*> longest_first(std::span<const ProcessView> processes) {
  std::vector<const ProcessView*> order;
  for (const ProcessView& process : processes) order.push_back(&process);
  std::ranges::sort(order, [](const ProcessView* a, const ProcessView* b) {
    return expected_life_s(*a) > expected_life_s(*b);
  });
  return order;
}

Decision stay(const ProcessView& process, std::string reason, Numbers numbers = {}) {
  return {process.id, std::nullopt, std::move(reason), std::move(numbers), {}};
}

std::vector<Decision> Lifetime::decide(const ClusterView& view,
                                       std::span<const ProcessView> processes) {
  std::vector<Decision> decisions;
  Targets targets(view, Targets::Crowd::kLasting, random_);
  double crowd_here = std::min(view.self.load, view.self.run_queue);
  int moves = 0;
  for (const ProcessView* process : longest_first(processes)) {
    std::optional<Target> chosen;
    Decision decision = judge(view, *process, crowd_here, targets, chosen);
    if (chosen) {
      targets.took(*chosen);
      crowd_here -= process->cpu_rate;
      ++moves;
    }
    if (decision.peer || view.explain) decisions.push_back(std::move(decision));
    if (moves == kMostMovesAtOnce) break;
  }
  return decisions;
}

Placement Lifetime::place(const ClusterView& view, const ExecView& exec) {
  if (exec.never) return stay_here(view, exec.rss_bytes, "a hint says never");
  if (!exec.expected_cpu_s)
    return stay_here(view, exec.rss_bytes, "nothing is known of how long it will run");
  const Targets targets(view, Targets::Crowd::kNow, random_);
  const auto target = targets.best(exec.rss_bytes);
  if (!target) return stay_here(view, exec.rss_bytes, "no node can receive it");
  const double here = s_per_cpu_s(view.self, view.self.crowd() + 1);
  const double gain = *exec.expected_cpu_s * (here - target->s_per_cpu_s);
  const double cost = margin_ * view.place_s;
  Placement placement = gain <= cost
                            ? stay_here(view, exec.rss_bytes, "no node would run it sooner")
                            : go_to(view, target->peer, exec.rss_bytes,
                                    view.peers[target->peer].name +
                                        " would run it sooner by more than starting there costs");
  placement.numbers.insert(placement.numbers.end(), {{"expected_cpu_s", *exec.expected_cpu_s},
                                                     {"here_s_per_cpu_s", here},
                                                     {"there_s_per_cpu_s", target->s_per_cpu_s},
                                                     {"gain_s", gain},
                                                     {"cost_s", cost}});
  if (!placement.peer) return placement;
  placement.offer.at_start = true;
  placement.also = targets.runners_up(exec.rss_bytes, 1);
  return placement;
}

Decision Lifetime::judge(const ClusterView& view, const ProcessView& process, double crowd_here,
                         const Targets& targets, std::optional<Target>& chosen) const {
  if (process.pinned) return stay(process, why_pinned(process));
  if (auto home = thrift(view, process)) return *std::move(home);
  if (process.moves > 0 && process.last_move_age_s < stay_s_)
    return stay(process, "it has just moved", {{"last_move_age_s", process.last_move_age_s}});
  if (process.moves >= most_moves_) return stay(process, "it has moved often enough");
  const auto target = targets.best(process.rss_bytes);
  if (!target) return stay(process, "no node can receive it");

  const NodeView& peer = view.peers[target->peer];
  const double here = s_per_cpu_s(view.self, crowd_here);
  const double tax =
      away_tax(process.home_calls_per_s, process.home_bytes_per_s, peer.link, view.cost);
  const double life = expected_life_s(process);
  const double gain = life * (here - target->s_per_cpu_s - tax);
  const double cost = margin_ * std::pow(patience_, process.moves) *
                      move_cost(process, peer.link, view.cost).total_s();
  Numbers numbers{{"expected_cpu_s", life},
                  {"here_s_per_cpu_s", here},
                  {"there_s_per_cpu_s", target->s_per_cpu_s},
                  {"tax_s_per_cpu_s", tax},
                  {"gain_s", gain},
                  {"cost_s", cost}};
  if (gain <= cost)
    return stay(
        process,
        gain <= 0 ? "no node would run it sooner" : "the move would cost more than it gains",
        std::move(numbers));
  chosen = target;
  return {process.id,
          target->peer,
          peer.name + " would run it sooner by more than the move costs",
          std::move(numbers),
          {here, process.rss_bytes, false}};
}

}  // namespace

BuiltinStrategy lifetime_strategy() {
  return {{"lifetime",
           "a process moves when what it has used since its last move says that the move will pay",
           {{"margin", 1, "times the cost that the gain must exceed"},
            {"patience", 1, "times that for each move the process has had before"},
            {"most_moves", 1e6, "after so many a process stays where it is, unless home is better"},
            {"stay_s", 1, "seconds a process stays after a move"},
            {"ageing_s", 0, "CPU age from which guests stand back behind younger ones; 0: never"}}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<Lifetime>(settings);
          }};
}

}  // namespace llrun::policies
