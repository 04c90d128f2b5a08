#include "policies/sim/simulator.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>

#include "policies/cost.h"
#include "policies/random.h"
#include "policies/sim/event_queue.h"
#include "policies/sim/knowledge.h"
#include "policies/sim/tally.h"

namespace llrun::policies::sim {

namespace {

constexpr double kSwapping = 10;  // how much slower a node is whose memory is over-committed
constexpr std::uint32_t kOverhead = 0x80000000;  // ids of work that is nobody's: the cost of moving

enum Kind : std::uint32_t { kArrival, kStart, kEnd, kDecide, kSnapshot, kFreeze, kLand };

struct Process {
  Job job;
  std::uint32_t node = 0;
  std::uint32_t generation = 0;  // of the slot: tells a successor in it from the one before
  double received_s = 0;         // CPU, before it entered where it is
  double received_at_move_s = 0;
  double last_move_s = 0;
  int moves = 0;
  double promised_age_s = 0;  // what its target was told
  bool leaving = false;
};

struct Move {
  std::uint32_t slot, generation, source, target;
  double promised_age_s;
  MoveCost cost;
};

class Simulation {
 public:
  Simulation(const SimConfig& config, Workload& workload, const OutcomeSink& sink)
      : config_(config), workload_(workload), sink_(sink) {}

  Result<> set_up();
  SimResult run();

 private:
  void make_pool();
  Result<> make_nodes();
  void handle(const Event& event);
  [[nodiscard]] bool finished() const { return !arrivals_left_ && active_ == 0; }

  void next_arrival();
  void arrive(const Job& job);
  void start_away(std::uint32_t slot, std::size_t target);
  void enter(std::uint32_t slot, std::size_t node);
  void end_residents(std::size_t node);
  void end(std::uint32_t slot);

  void decide(std::size_t node);
  void list_processes(std::size_t node);
  void show_process(std::size_t node, const Processor::Resident& resident);
  void begin_move(std::uint32_t slot, std::size_t target);
  void freeze(std::size_t move);
  void land(std::size_t move);

  std::optional<std::size_t> ask(std::size_t source, std::size_t first,
                                 const std::vector<std::size_t>& also, const Offer& offer);
  void promise(std::size_t source, std::size_t target, const Offer& offer);
  void keep_promise(std::size_t target, double cpu_age_s);
  void burn(std::size_t node, double cpu_s);
  void use_memory(std::size_t node, double bytes);
  void schedule_end(std::size_t node);
  [[nodiscard]] NodeState truth(std::size_t node, double now_s);
  std::uint32_t take_slot(const Job& job);
  std::size_t take_move(const Move& move);

  const SimConfig& config_;
  Workload& workload_;
  const OutcomeSink& sink_;
  std::deque<Node> nodes_;
  std::optional<Knowledge> knowledge_;
  EventQueue queue_;
  std::vector<Process> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Move> moves_;
  std::vector<std::size_t> free_moves_;
  std::vector<ProcessView> processes_;
  std::optional<Job> pending_;
  std::uint32_t overheads_ = 0;
  double now_s_ = 0;
  bool arrivals_left_ = true;
  bool pooled_ = false;
  std::size_t active_ = 0;
  Tally tally_;
  SimResult result_;
};

Result<> Simulation::set_up() {
  if (config_.nodes.empty())
    return failure(ErrorCode::kInvalid, "a simulation needs at least one node");
  pooled_ = config_.strategy == "ideal";
  if (pooled_) {
    make_pool();
  } else {
    LLRUN_TRY(make_nodes());
  }
  const Knowledge::Options known{config_.information_s, config_.information_step_s,
                                 config_.most_known, mix(config_.seed ^ 0x6b), config_.link};
  knowledge_.emplace(known, nodes_,
                     [this](std::size_t node, double now) { return truth(node, now); });
  if (nodes_.size() > 1 && config_.information_s > 0) queue_.put(0, kSnapshot, 0);
  next_arrival();
  return {};
}

void Simulation::make_pool() {
  std::vector<double> speeds;
  for (const SimNode& node : config_.nodes) {
    for (double left = node.cores; left > 1e-9; left -= 1)
      speeds.push_back(std::min(1.0, left) * node.speed);
  }
  nodes_.emplace_back("all", Processor(std::move(speeds)));
}

Result<> Simulation::make_nodes() {
  Random random(config_.seed);
  const bool decides =
      config_.decide_s > 0 && config_.strategy != "none" && config_.nodes.size() > 1;
  for (std::size_t i = 0; i < config_.nodes.size(); ++i) {
    const SimNode& from = config_.nodes[i];
    Node& node = nodes_.emplace_back("n" + std::to_string(i), Processor(from.cores, from.speed));
    node.cores = from.cores;
    node.speed = from.speed;
    node.memory_bytes = from.memory_bytes;
    LLRUN_TRY_ASSIGN(node.strategy,
                     make_strategy(config_.strategy, {random.next(), config_.strategy_numbers}));
    if (decides)
      queue_.put(random.uniform() * config_.decide_s, kDecide, static_cast<std::uint32_t>(i));
  }
  return {};
}

SimResult Simulation::run() {
  while (!queue_.empty() && !finished()) {
    const Event event = queue_.take();
    now_s_ = event.time_s;
    ++result_.events;
    handle(event);
  }
  result_.end_s = now_s_;
  tally_.report(result_);
  return result_;
}

void Simulation::handle(const Event& event) {
  switch (event.kind) {
    case kArrival: {
      const Job job = *pending_;
      next_arrival();
      return arrive(job);
    }
    case kStart: {
      const std::uint32_t slot = event.subject;
      keep_promise(slots_[slot].node, slots_[slot].promised_age_s);
      return enter(slot, slots_[slot].node);
    }
    case kEnd:
      if (event.time_s == nodes_[event.subject].scheduled_end_s) end_residents(event.subject);
      return;
    case kDecide:
      decide(event.subject);
      return queue_.put(now_s_ + config_.decide_s, kDecide, event.subject);
    case kSnapshot:
      knowledge_->snapshot(now_s_);
      return queue_.put(now_s_ + config_.information_step_s, kSnapshot, 0);
    case kFreeze:
      return freeze(event.detail);
    case kLand:
      return land(event.detail);
  }
}

// --- arrivals ---

void Simulation::next_arrival() {
  pending_ = workload_.next();
  arrivals_left_ = pending_.has_value();
  if (pending_) {
    queue_.put(pending_->arrival_s, kArrival, 0);
    return;
  }
  double busy = 0, capacity = 0;
  for (Node& node : nodes_) {
    node.cpu.advance(now_s_);
    busy += node.cpu.busy_cpu_s();
  }
  for (const SimNode& node : config_.nodes) capacity += node.cores * node.speed;
  result_.utilisation = now_s_ > 0 ? busy / (capacity * now_s_) : 0;
}

std::uint32_t Simulation::take_slot(const Job& job) {
  ++active_;
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  Process fresh;
  fresh.job = job;
  fresh.generation = slots_[slot].generation + 1;
  slots_[slot] = fresh;
  return slot;
}

void Simulation::arrive(const Job& job) {
  const std::uint32_t slot = take_slot(job);
  const std::size_t home = pooled_ ? 0 : job.home % nodes_.size();
  if (nodes_.size() == 1 || config_.strategy == "none") return enter(slot, home);
  ClusterView view = knowledge_->view(home, now_s_);
  view.place_s = config_.place_s;
  view.cost = config_.cost;
  ExecView exec;
  exec.rss_bytes = job.rss_bytes;
  const Placement placement = nodes_[home].strategy->place(view, exec);
  if (!placement.peer) return enter(slot, home);
  const auto target = ask(home, *placement.peer, placement.also, placement.offer);
  if (!target) return enter(slot, home);
  slots_[slot].promised_age_s = placement.offer.cpu_age_s;
  burn(home, config_.place_cpu_s);
  start_away(slot, *target);
}

void Simulation::start_away(std::uint32_t slot, std::size_t target) {
  ++result_.placed_away;
  slots_[slot].node = static_cast<std::uint32_t>(target);
  queue_.put(now_s_ + config_.place_s, kStart, slot);
  burn(target, config_.place_cpu_s);
}

void Simulation::enter(std::uint32_t slot, std::size_t node) {
  Process& process = slots_[slot];
  process.node = static_cast<std::uint32_t>(node);
  use_memory(node, process.job.rss_bytes);
  nodes_[node].cpu.enter(now_s_, slot, process.job.cpu_s - process.received_s);
  schedule_end(node);
}

// --- ends ---

void Simulation::schedule_end(std::size_t index) {
  Node& node = nodes_[index];
  const double at = node.cpu.next_end_s();
  if (at >= node.scheduled_end_s) return;  // an earlier event will look again
  node.scheduled_end_s = at;
  queue_.put(at, kEnd, static_cast<std::uint32_t>(index));
}

void Simulation::end_residents(std::size_t index) {
  Node& node = nodes_[index];
  node.scheduled_end_s = Processor::kNever;
  node.cpu.advance(now_s_);
  while (node.cpu.has_ended()) {
    const std::uint32_t id = node.cpu.next_id();
    node.cpu.leave(now_s_, id);
    if ((id & kOverhead) == 0) end(id);
  }
  schedule_end(index);
}

void Simulation::end(std::uint32_t slot) {
  Process& process = slots_[slot];
  use_memory(process.node, -process.job.rss_bytes);
  if (process.leaving) --nodes_[process.node].outgoing;
  const Job job = process.job;
  const double response = now_s_ - job.arrival_s;
  if (job.arrival_s >= config_.skip_s) {
    tally_.ended(job.cpu_s, response, process.moves);
    if (sink_) sink_({&job, response, process.moves});
  }
  ++process.generation;
  process.leaving = false;
  free_slots_.push_back(slot);
  --active_;
  if (const auto successor = workload_.follows(job, now_s_)) arrive(*successor);
}

// --- decisions and moves ---

NodeState Simulation::truth(std::size_t index, double now_s) {
  Node& node = nodes_[index];
  node.cpu.advance(now_s);
  NodeState state;
  state.load = node.cpu.load();
  state.run_queue = static_cast<double>(node.cpu.count()) - node.outgoing;
  state.incoming = node.incoming;
  state.free_bytes = node.memory_bytes - node.used_bytes;
  state.census = node.promised;
  for (const auto& resident : node.cpu.residents()) {
    const bool overhead = (resident.id & kOverhead) != 0;
    if (!overhead && slots_[resident.id].leaving) continue;
    state.census.add(overhead ? 0 : slots_[resident.id].received_s + node.cpu.received(resident));
  }
  return state;
}

// Asks all that were named; of those that welcome it, the one of least cost promises a place.
std::optional<std::size_t> Simulation::ask(std::size_t source, std::size_t first,
                                           const std::vector<std::size_t>& also,
                                           const Offer& offer) {
  std::optional<std::size_t> best;
  double best_cost = 0;
  const auto consider = [&](std::size_t peer) {
    const std::size_t target = knowledge_->node_of(peer);
    const Admission admission =
        nodes_[target].strategy->admit(knowledge_->self(target, now_s_), offer);
    if (!admission.welcome) {
      ++result_.refusals;
      knowledge_->sent(source, target, now_s_,
                       offer.cpu_age_s);  // it is as busy as if ours had gone there
      return;
    }
    if (best && admission.cost_s >= best_cost) return;
    best = target;
    best_cost = admission.cost_s;
  };
  consider(first);
  for (const std::size_t peer : also) consider(peer);
  if (best) promise(source, *best, offer);
  return best;
}

void Simulation::promise(std::size_t source, std::size_t target, const Offer& offer) {
  knowledge_->sent(source, target, now_s_, offer.cpu_age_s);
  Node& node = nodes_[target];
  ++node.incoming;
  node.promised.add(offer.cpu_age_s);
  result_.most_promised =
      std::max(result_.most_promised, static_cast<std::uint64_t>(node.incoming));
}

void Simulation::keep_promise(std::size_t target, double cpu_age_s) {
  --nodes_[target].incoming;
  nodes_[target].promised = nodes_[target].promised.without(cpu_age_s);
}

void Simulation::show_process(std::size_t index, const Processor::Resident& resident) {
  const Process& process = slots_[resident.id];
  if ((resident.id & kOverhead) != 0 || process.leaving) return;
  ProcessView view;
  view.cpu_s = process.received_s + nodes_[index].cpu.received(resident);
  if (view.cpu_s < config_.oldest_known_cpu_s) return;
  view.id = resident.id;
  view.age_s = now_s_ - process.job.arrival_s;
  view.cpu_since_move_s = view.cpu_s - process.received_at_move_s;
  view.rss_bytes = view.dirty_bytes = process.job.rss_bytes;
  view.moves = process.moves;
  view.last_move_age_s = now_s_ - process.last_move_s;
  view.placed = true;
  processes_.push_back(view);
}

void Simulation::list_processes(std::size_t index) {
  processes_.clear();
  nodes_[index].cpu.advance(now_s_);
  for (const auto& resident : nodes_[index].cpu.residents())
    if ((resident.id & kOverhead) == 0) show_process(index, resident);
}

void Simulation::decide(std::size_t index) {
  if (nodes_[index].cpu.count() == 0) return;
  list_processes(index);
  if (processes_.empty()) return;
  ClusterView view = knowledge_->view(index, now_s_);
  view.place_s = config_.place_s;
  view.cost = config_.cost;
  for (const Decision& decision : nodes_[index].strategy->decide(view, processes_)) {
    if (!decision.peer) continue;
    const auto target = ask(index, *decision.peer, decision.also, decision.offer);
    if (!target) continue;
    const auto slot = static_cast<std::uint32_t>(decision.process);
    slots_[slot].promised_age_s = decision.offer.cpu_age_s;
    begin_move(slot, *target);
  }
}

std::size_t Simulation::take_move(const Move& move) {
  if (free_moves_.empty()) {
    moves_.push_back(move);
    return moves_.size() - 1;
  }
  const std::size_t index = free_moves_.back();
  free_moves_.pop_back();
  moves_[index] = move;
  return index;
}

void Simulation::begin_move(std::uint32_t slot, std::size_t target) {
  Process& process = slots_[slot];
  Node& from = nodes_[process.node];
  Node& to = nodes_[target];
  ProcessView view;
  view.dirty_bytes = process.job.rss_bytes;
  const Move move{slot,
                  process.generation,
                  process.node,
                  static_cast<std::uint32_t>(target),
                  process.promised_age_s,
                  move_cost(view, config_.link, config_.cost)};
  process.leaving = true;
  ++from.outgoing;
  const double wire_s = move.cost.network_bytes / config_.link.bandwidth_bytes_per_s;
  const double begin =
      std::max({now_s_, wire_s > 0 ? from.link_free_s : 0, wire_s > 0 ? to.link_free_s : 0});
  if (wire_s > 0) from.link_free_s = to.link_free_s = begin + wire_s;
  queue_.put(begin + move.cost.transfer_s, kFreeze, slot, take_move(move));
}

void Simulation::freeze(std::size_t index) {
  const Move& move = moves_[index];
  result_.network_bytes += move.cost.network_bytes;
  burn(move.source, move.cost.cpu_s);
  burn(move.target, move.cost.cpu_s);
  Process& process = slots_[move.slot];
  if (process.generation != move.generation) {  // it ended while it was copied
    keep_promise(move.target, move.promised_age_s);
    free_moves_.push_back(index);
    return;
  }
  process.received_s += nodes_[move.source].cpu.leave(now_s_, move.slot);
  process.leaving = false;
  --nodes_[move.source].outgoing;
  use_memory(move.source, -process.job.rss_bytes);
  schedule_end(move.source);
  queue_.put(now_s_ + move.cost.freeze_s, kLand, move.slot, index);
}

void Simulation::land(std::size_t index) {
  const Move& move = moves_[index];
  Process& process = slots_[move.slot];
  ++process.moves;
  process.last_move_s = now_s_;
  process.received_at_move_s = process.received_s;
  keep_promise(move.target, move.promised_age_s);
  free_moves_.push_back(index);
  enter(move.slot, move.target);
}

void Simulation::burn(std::size_t node, double cpu_s) {
  if (cpu_s <= 0) return;
  result_.overhead_cpu_s += cpu_s;
  nodes_[node].cpu.enter(now_s_, kOverhead | (overheads_++ & 0x7fffffff), cpu_s);
  schedule_end(node);
}

void Simulation::use_memory(std::size_t index, double bytes) {
  Node& node = nodes_[index];
  if (node.memory_bytes <= 0) return;
  node.used_bytes += bytes;
  node.cpu.slow_down(now_s_, node.used_bytes > node.memory_bytes ? kSwapping : 1);
  schedule_end(index);
}

}  // namespace

Result<SimResult> simulate(const SimConfig& config, Workload& workload, const OutcomeSink& sink) {
  Simulation simulation(config, workload, sink);
  LLRUN_TRY(simulation.set_up());
  return simulation.run();
}

}  // namespace llrun::policies::sim
