#include "policies/sim/simulator.h"

#include <optional>
#include <utility>

#include "policies/cost.h"
#include "policies/random.h"
#include "policies/sim/cluster.h"
#include "policies/sim/event_queue.h"
#include "policies/sim/knowledge.h"
#include "policies/sim/migrations.h"
#include "policies/sim/negotiation.h"
#include "policies/sim/process_table.h"
#include "policies/sim/tally.h"

namespace llrun::policies::sim {

namespace {

enum Kind : std::uint32_t { kArrival, kStart, kEnd, kDecide, kSnapshot, kFreeze, kLand };

Knowledge::Options known_options(const SimConfig& config) {
  return {config.information_s, config.information_step_s, config.most_known,
          mix(config.seed ^ 0x6b), config.link};
}

class Simulation {
 public:
  Simulation(const SimConfig& config, Workload& workload, const OutcomeSink& sink)
      : config_(config), workload_(workload), sink_(sink) {}

  Result<> set_up();
  SimResult run();

 private:
  Result<> make_nodes();
  void handle(const Event& event);
  [[nodiscard]] bool finished() const { return !arrivals_left_ && processes_.active() == 0; }
  [[nodiscard]] ClusterView view_of(std::size_t node);

  void next_arrival();
  void arrive(const Job& job);
  [[nodiscard]] bool start_away(std::uint32_t slot, std::size_t home);
  void start(std::uint32_t slot);
  void end(std::uint32_t slot);
  void decide(std::size_t node);
  void show_processes(std::size_t node);
  void report();

  const SimConfig& config_;
  Workload& workload_;
  const OutcomeSink& sink_;
  EventQueue queue_;
  ProcessTable processes_;
  Cluster cluster_{queue_, processes_, kEnd};
  std::optional<Knowledge> knowledge_;  // once there are nodes
  std::optional<Negotiation> negotiation_;
  std::optional<Migrations> migrations_;
  std::vector<ProcessView> shown_;
  std::optional<Job> pending_;
  bool arrivals_left_ = true;
  bool pooled_ = false;
  Tally tally_;
  SimResult result_;
};

Result<> Simulation::set_up() {
  if (config_.nodes.empty())
    return failure(ErrorCode::kInvalid, "a simulation needs at least one node");
  pooled_ = config_.strategy == "ideal";
  if (pooled_) {
    cluster_.add_pool(config_.nodes);
  } else {
    LLRUN_TRY(make_nodes());
  }
  knowledge_.emplace(known_options(config_), cluster_.nodes(),
                     [this](std::size_t node, double) { return cluster_.truth(node); });
  negotiation_.emplace(cluster_, *knowledge_, queue_);
  migrations_.emplace(cluster_, processes_, *negotiation_, queue_,
                      Migrations::Events{kFreeze, kLand}, config_.cost, config_.link);
  if (cluster_.size() > 1 && config_.information_s > 0) queue_.put(0, kSnapshot, 0);
  next_arrival();
  return {};
}

Result<> Simulation::make_nodes() {
  if (config_.knows_lives) cluster_.count_by_what_is_left();
  Random random(config_.seed);
  const bool decides =
      config_.decide_s > 0 && config_.strategy != "none" && config_.nodes.size() > 1;
  for (std::size_t i = 0; i < config_.nodes.size(); ++i) {
    LLRUN_TRY_ASSIGN(auto strategy,
                     make_strategy(config_.strategy, {random.next(), config_.strategy_numbers}));
    cluster_.add(config_.nodes[i], std::move(strategy));
    if (decides)
      queue_.put(random.uniform() * config_.decide_s, kDecide, static_cast<std::uint32_t>(i));
  }
  return {};
}

SimResult Simulation::run() {
  while (!queue_.empty() && !finished()) {
    ++result_.events;
    handle(queue_.take());
  }
  report();
  return result_;
}

void Simulation::handle(const Event& event) {
  switch (static_cast<Kind>(event.kind)) {
    case kArrival: {
      const Job job = *pending_;
      next_arrival();
      return arrive(job);
    }
    case kStart:
      return start(event.subject);
    case kEnd:
      while (const auto slot = cluster_.take_ended(event)) end(*slot);
      return;
    case kDecide:
      decide(event.subject);
      return queue_.put(queue_.now_s() + config_.decide_s, kDecide, event.subject);
    case kSnapshot:
      knowledge_->snapshot(queue_.now_s());
      return queue_.put(queue_.now_s() + config_.information_step_s, kSnapshot, 0);
    case kFreeze:
      return migrations_->freeze(event.detail);
    case kLand:
      return migrations_->land(event.detail);
  }
}

ClusterView Simulation::view_of(std::size_t node) {
  ClusterView view = knowledge_->view(node, queue_.now_s());
  view.place_s = config_.place_s;
  view.cost = config_.cost;
  return view;
}

// --- arrivals and ends ---

void Simulation::next_arrival() {
  pending_ = workload_.next();
  arrivals_left_ = pending_.has_value();
  if (pending_) return queue_.put(pending_->arrival_s, kArrival, 0);
  // What comes after the last arrival is emptier and is not counted.
  double capacity = 0, cores = 0;
  for (const SimNode& node : config_.nodes) {
    capacity += node.cores * node.speed;
    cores += node.cores;
  }
  const double now_s = queue_.now_s();
  if (now_s <= 0) return;
  result_.utilisation = cluster_.busy_cpu_s() / (capacity * now_s);
  result_.wasted = cluster_.wasted_core_s() / (cores * now_s);
}

void Simulation::arrive(const Job& job) {
  const std::uint32_t slot = processes_.take(job);
  const std::size_t home = pooled_ ? 0 : job.home % cluster_.size();
  const bool may_start_away = cluster_.size() > 1 && config_.strategy != "none" &&
                              config_.asks_at_start && job.cpu_s >= config_.place_from_s;
  if (!may_start_away || !start_away(slot, home)) cluster_.enter(slot, home);
}

bool Simulation::start_away(std::uint32_t slot, std::size_t home) {
  Process& process = processes_[slot];
  ExecView exec;
  exec.rss_bytes = process.job.rss_bytes;
  // Half of those that live so long live twice as long.
  if (config_.place_from_s > 0) exec.expected_cpu_s = 2 * config_.place_from_s;
  if (config_.knows_lives) exec.expected_cpu_s = process.job.cpu_s;
  const Placement placement = cluster_[home].strategy->place(view_of(home), exec);
  if (!placement.peer) return false;
  const auto target = negotiation_->ask(home, *placement.peer, placement.also, placement.offer);
  if (!target) return false;
  process.promised_age_s = placement.offer.cpu_age_s;
  process.node = static_cast<std::uint32_t>(*target);
  ++result_.placed_away;
  cluster_.burn(home, config_.place_cpu_s);
  queue_.put(queue_.now_s() + config_.place_s, kStart, slot);
  cluster_.burn(*target, config_.place_cpu_s);
  return true;
}

void Simulation::start(std::uint32_t slot) {
  negotiation_->redeem(processes_[slot].node, processes_[slot].promised_age_s);
  cluster_.enter(slot, processes_[slot].node);
}

void Simulation::end(std::uint32_t slot) {
  const Process& process = processes_[slot];
  if (process.leaving) --cluster_[process.node].outgoing;
  const Job job = process.job;
  const double response = queue_.now_s() - job.arrival_s;
  if (job.arrival_s >= config_.skip_s) {
    tally_.ended(job.cpu_s, response, process.moves);
    if (sink_) sink_({&job, response, process.moves});
  }
  processes_.give_back(slot);
  if (const auto successor = workload_.follows(job, queue_.now_s())) arrive(*successor);
}

// --- decisions ---

void Simulation::show_processes(std::size_t node) {
  shown_.clear();
  cluster_.each_process(node, [this](std::uint32_t slot, double cpu_s) {
    const Process& process = processes_[slot];
    ProcessView view;
    view.age_s = queue_.now_s() - process.job.arrival_s;
    if (view.age_s < config_.after_s) return;
    view.id = slot;
    view.cpu_s = cpu_s;
    if (config_.knows_lives) view.remaining_cpu_s = view.cpu_s = process.job.cpu_s - cpu_s;
    view.cpu_since_move_s = cpu_s - process.received_at_move_s;
    view.rss_bytes = view.dirty_bytes = process.job.rss_bytes;
    view.moves = process.moves;
    view.last_move_age_s = queue_.now_s() - process.last_move_s;
    view.placed = true;
    shown_.push_back(view);
  });
}

void Simulation::decide(std::size_t node) {
  if (cluster_[node].cpu.count() == 0) return;
  cluster_.age_guests(node);
  show_processes(node);
  if (shown_.empty()) return;
  for (const Decision& decision : cluster_[node].strategy->decide(view_of(node), shown_)) {
    if (!decision.peer) continue;
    const auto target = negotiation_->ask(node, *decision.peer, decision.also, decision.offer);
    if (!target) continue;
    const auto slot = static_cast<std::uint32_t>(decision.process);
    processes_[slot].promised_age_s = decision.offer.cpu_age_s;
    migrations_->begin(slot, *target);
  }
}

void Simulation::report() {
  result_.end_s = queue_.now_s();
  result_.refusals = negotiation_->refusals();
  result_.most_promised = negotiation_->most_promised();
  result_.overhead_cpu_s = cluster_.overhead_cpu_s();
  result_.network_bytes = migrations_->network_bytes();
  result_.frozen_s = migrations_->frozen_s();
  tally_.report(result_);
}

}  // namespace

Result<SimResult> simulate(const SimConfig& config, Workload& workload, const OutcomeSink& sink) {
  Simulation simulation(config, workload, sink);
  LLRUN_TRY(simulation.set_up());
  return simulation.run();
}

}  // namespace llrun::policies::sim
