// hindrance: our own. Programs start, and processes go, where they and those already there delay
// each other least, over what all of them may be expected to live still (Census says how that is
// reckoned). Old processes spread out; newcomers keep away from old processes rather than from each
// other, since most are gone before they can hinder anybody. The best few candidates by what is
// known are asked, and say what the newcomer would cost them now; where what is known is old, also
// when it says that nothing is to be gained.
#include <algorithm>
#include <cmath>
#include <utility>

#include "policies/ageing.h"
#include "policies/cost.h"
#include "policies/random.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"
#include "policies/strategy/placement_strategy.h"
#include "policies/strategy/thrift.h"

namespace llrun::policies {

namespace {

constexpr double kMiddleAge_s = 2;      // CPU age of processes whose age is not known
constexpr std::size_t kShortlist = 48;  // peers whose census is weighed
constexpr std::size_t kMostJudged = 4;  // of one decision: the oldest
constexpr double kTrue_s = 0.2;         // information younger than this is taken as it is

struct Candidate {
  std::size_t peer;
  double cost_s;
};

class Hindrance final : public Strategy {
 public:
  explicit Hindrance(const Settings& settings)
      : newborn_s_(settings["newborn_s"]),
        horizon_s_(settings["horizon_s"]),
        move_horizon_s_(settings["move_horizon_s"]),
        margin_(settings["margin"]),
        patience_(settings["patience"]),
        most_moves_(settings["most_moves"]),
        stay_s_(settings["stay_s"]),
        asked_(static_cast<std::size_t>(settings["asked"])),
        ageing_(settings["ageing_s"]),
        random_(settings.seed()) {}
  std::string_view name() const override { return "hindrance"; }
  std::vector<Decision> decide(const ClusterView& view,
                               std::span<const ProcessView> processes) override;
  Placement place(const ClusterView& view, const ExecView& exec) override;
  int guest_nice(double cpu_age_s) const override { return ageing_.nice_at(cpu_age_s); }
  Admission admit(const NodeView& self, const Offer& offer) override;

 private:
  // Seconds that a newcomer of this age costs on `node`: its own life there, and the hindrance.
  [[nodiscard]] double cost_at(const NodeView& node, double cpu_age_s, double horizon_s) const {
    return cost_among(node, residents(node), cpu_age_s, horizon_s);
  }
  [[nodiscard]] double cost_among(const NodeView& node, const Census& residents, double cpu_age_s,
                                  double horizon_s) const {
    const double own = shared_life_s(cpu_age_s, 1e9, horizon_s);
    return (own + residents.hindrance_s(cpu_age_s, node.cores, horizon_s)) / node.speed;
  }
  // A node that does not say how old its processes are is taken to have middle-aged ones.
  [[nodiscard]] static Census residents(const NodeView& node) {
    Census all = node.census;
    const double unknown = node.crowd() - all.count();
    if (unknown > 0) all.add(kMiddleAge_s, unknown);
    return all;
  }
  // What is known of a node is old: those it had have received their share since, and some have
  // ended.
  [[nodiscard]] static Census expected_now(const NodeView& node) {
    if (node.age_s <= 0) return residents(node);
    return residents(node).after(node.age_s / s_per_cpu_s(node, std::max(1.0, node.crowd())));
  }
  [[nodiscard]] std::vector<std::size_t> shortlist(const ClusterView& view, double bytes);
  [[nodiscard]] std::vector<Candidate> best_peers(const ClusterView& view, double cpu_age_s,
                                                  double horizon_s, double bytes);
  // What is known may be so old that asking is worth more than reckoning.
  [[nodiscard]] static bool may_be_wrong(const ClusterView& view,
                                         const std::vector<Candidate>& candidates) {
    return std::ranges::any_of(candidates, [&](const Candidate& candidate) {
      return view.peers[candidate.peer].age_s > kTrue_s;
    });
  }
  // Seconds that the move has to gain: what it costs, twice as much for each move before it, so
  // that nothing moves for ever; and what being away costs.
  [[nodiscard]] double price(const ProcessView& process, const NodeView& peer, double age_s,
                             const CostModel& model) const {
    return margin_ * std::pow(patience_, process.moves) *
               move_cost(process, peer.link, model).total_s() +
           process.cpu_rate * age_s *
               away_tax(process.home_calls_per_s, process.home_bytes_per_s, peer.link, model);
  }
  [[nodiscard]] double effective_age(const ProcessView& process) const {
    return std::max(newborn_s_, process.remaining_cpu_s.value_or(process.cpu_s));
  }
  [[nodiscard]] Decision judge(const ClusterView& view, const ProcessView& process,
                               const Census& here);

  double newborn_s_, horizon_s_, move_horizon_s_, margin_, patience_, most_moves_, stay_s_;
  std::size_t asked_;
  Ageing ageing_;
  Random random_;
};

// Those that may receive, beginning at random so that equals are not always taken in one order; of
// many only the least crowded, since a census takes longer to weigh than a run queue.
std::vector<std::size_t> Hindrance::shortlist(const ClusterView& view, double bytes) {
  std::vector<std::pair<double, std::size_t>> able;
  const std::size_t count = view.peers.size();
  const std::size_t start = count > 0 ? random_.below(count) : 0;
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t peer = start + step < count ? start + step : start + step - count;
    const NodeView& node = view.peers[peer];
    if (can_receive(node, bytes)) able.emplace_back(s_per_cpu_s(node, node.crowd() + 1), peer);
  }
  if (able.size() > kShortlist) {
    std::ranges::nth_element(able, able.begin() + kShortlist, {},
                             &std::pair<double, std::size_t>::first);
    able.resize(kShortlist);
  }
  std::vector<std::size_t> peers;
  for (const auto& [crowd, peer] : able) peers.push_back(peer);
  return peers;
}

std::vector<Candidate> Hindrance::best_peers(const ClusterView& view, double cpu_age_s,
                                             double horizon_s, double bytes) {
  std::vector<Candidate> best;
  for (const std::size_t peer : shortlist(view, bytes)) {
    const NodeView& node = view.peers[peer];
    const Candidate candidate{peer, cost_among(node, expected_now(node), cpu_age_s, horizon_s)};
    const auto cheaper = [](const Candidate& a, const Candidate& b) { return a.cost_s < b.cost_s; };
    if (best.size() == asked_ && !cheaper(candidate, best.back())) continue;
    if (best.size() == asked_) best.pop_back();
    best.insert(std::upper_bound(best.begin(), best.end(), candidate, cheaper), candidate);
  }
  return best;
}

Placement Hindrance::place(const ClusterView& view, const ExecView& exec) {
  if (exec.never) return stay_here(view, exec.rss_bytes, "a hint says never");
  const double age = std::max(newborn_s_, exec.expected_cpu_s.value_or(0));
  const double here = cost_at(view.self, age, horizon_s_);
  const double fastest = shared_life_s(age, 1e9, horizon_s_);
  if (residents(view.self).count() < view.self.cores && view.self.speed >= 1)
    return stay_here(view, exec.rss_bytes, "nobody would hinder it here");
  const auto candidates = best_peers(view, age, horizon_s_, exec.rss_bytes);
  const double limit = here - view.place_s;
  if (candidates.empty() || (candidates[0].cost_s >= here && !may_be_wrong(view, candidates)))
    return stay_here(view, exec.rss_bytes, "no node would hinder it less");
  Placement placement =
      go_to(view, candidates[0].peer, exec.rss_bytes,
            "it would be hindered less on " + view.peers[candidates[0].peer].name);
  for (std::size_t i = 1; i < candidates.size(); ++i) placement.also.push_back(candidates[i].peer);
  placement.numbers = {
      {"cost_here_s", here}, {"cost_there_s", candidates[0].cost_s}, {"cost_alone_s", fastest}};
  placement.offer = {placement.offer.source_s_per_cpu_s, exec.rss_bytes, true, age, limit};
  return placement;
}

Admission Hindrance::admit(const NodeView& self, const Offer& offer) {
  if (offer.at_most_s == 0) return Strategy::admit(self, offer);  // its strategy counts otherwise
  if (!can_receive(self, offer.bytes)) return {false, self.name + " takes no guests now", 0};
  const double cost = cost_at(self, std::max(newborn_s_, offer.cpu_age_s),
                              offer.at_start ? horizon_s_ : move_horizon_s_);
  if (cost >= offer.at_most_s) return {false, self.name + " would hinder it as much", cost};
  return {true, "", cost};
}

Decision Hindrance::judge(const ClusterView& view, const ProcessView& process, const Census& here) {
  Decision stay{process.id, std::nullopt, "", {}, {}, {}};
  if (process.pinned) return stay.reason = why_pinned(process), stay;
  if (auto home = thrift(view, process)) return *std::move(home);
  if (process.moves > 0 && process.last_move_age_s < stay_s_)
    return stay.reason = "it has just moved", stay;
  if (process.moves >= most_moves_) return stay.reason = "it has moved often enough", stay;
  const double age = effective_age(process);
  const auto candidates = best_peers(view, age, move_horizon_s_, process.rss_bytes);
  if (candidates.empty()) return stay.reason = "no node can receive it", stay;
  const NodeView& peer = view.peers[candidates[0].peer];
  const double cost = cost_among(view.self, here.without(process.cpu_s), age, move_horizon_s_);
  const double price = this->price(process, peer, age, view.cost);
  stay.numbers = {
      {"cost_here_s", cost}, {"cost_there_s", candidates[0].cost_s}, {"price_s", price}};
  const bool gains = cost - candidates[0].cost_s > price;
  if (!gains && (view.explain || cost <= price || !may_be_wrong(view, candidates)))
    return stay.reason = "no node would hinder it less by what the move costs", stay;
  Decision go = std::move(stay);
  go.peer = candidates[0].peer;
  go.probe = !gains;
  go.reason = gains ? "it would be hindered less on " + peer.name
                    : "it may be hindered less on " + peer.name + " by now";
  for (std::size_t i = 1; i < candidates.size(); ++i) go.also.push_back(candidates[i].peer);
  go.offer = {s_per_cpu_s(view.self, view.self.crowd()), process.rss_bytes, false, age,
              cost - price};
  return go;
}

// Threads that would run beyond the one that a census counts of each process.
double further_threads(std::span<const ProcessView> processes) {
  double sum = 0;
  for (const ProcessView& process : processes) sum += std::max(0.0, process.cpu_rate - 1);
  return sum;
}

// A node that keeps no census knows at least the ages of the processes in question. Of others, whom
// the census does not know, only those count that last: where nobody has kept count of them, those
// in both run queues. Seen from a host of processes that are away there are none: how many threads
// those have there is not known.
Census own_residents(const NodeView& self, std::span<const ProcessView> processes) {
  Census all = self.census;
  if (all.count() == 0 && !self.uncounted)
    for (const ProcessView& process : processes) all.add(process.cpu_s);
  if (std::ranges::any_of(processes, [](const auto& process) { return process.home.has_value(); }))
    return all;
  const double uncounted =
      self.uncounted.value_or(std::min(self.load, self.run_queue) - all.count());
  const double others = uncounted - further_threads(processes);
  if (others > 0) all.add(kMiddleAge_s, others);
  return all;
}

// Nobody hinders anybody, nobody is away, and no peer is faster: the common case, settled cheaply.
bool nothing_to_gain(const ClusterView& view, const Census& here,
                     std::span<const ProcessView> processes) {
  if (here.count() > view.self.cores) return false;
  for (const ProcessView& process : processes)
    if (process.home) return false;
  return std::ranges::none_of(view.peers,
                              [&](const NodeView& node) { return node.speed > view.self.speed; });
}

// One at a time: what has moved changes what all others should do. A probe only where nothing is
// known to gain.
std::vector<Decision> Hindrance::decide(const ClusterView& view,
                                        std::span<const ProcessView> processes) {
  std::vector<Decision> decisions;
  const Census here = own_residents(view.self, processes);
  if (!view.explain && nothing_to_gain(view, here, processes)) return decisions;
  std::vector<const ProcessView*> order;
  for (const ProcessView& process : processes) order.push_back(&process);
  std::ranges::sort(order, std::greater{},
                    [this](const ProcessView* p) { return effective_age(*p); });
  if (order.size() > kMostJudged && !view.explain) order.resize(kMostJudged);
  for (const ProcessView* process : order) {
    Decision decision = judge(view, *process, here);
    if (!view.explain && decision.peer && !decision.probe) return {std::move(decision)};
    if (view.explain || (decision.peer && decisions.empty()))
      decisions.push_back(std::move(decision));
  }
  return decisions;
}

}  // namespace

BuiltinStrategy hindrance_strategy() {
  return {{"hindrance",
           "programs start and processes go where all concerned delay each other least",
           {{"newborn_s", 0.2,
             "CPU age a program is given before it starts: the median life of programs"},
            {"horizon_s", 1, "CPU seconds ahead that are reckoned with when a program starts"},
            {"move_horizon_s", 3, "the same when a process may move"},
            {"margin", 1, "times the cost of a move that its gain must exceed"},
            {"patience", 2, "times that for each move the process has had before"},
            {"most_moves", 4, "after so many a process stays where it is, unless home is better"},
            {"stay_s", 1, "seconds a process stays after a move"},
            {"asked", 2, "candidates asked at once"},
            {"ageing_s", 2, "CPU age from which guests stand back behind younger ones; 0: never"}}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<Hindrance>(settings);
          }};
}

}  // namespace llrun::policies
