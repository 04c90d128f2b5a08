#include "policies/sim/cluster.h"

#include <algorithm>
#include <string>
#include <utility>

namespace llrun::policies::sim {

namespace {
constexpr double kSwapping = 10;  // how much slower a node is whose memory is over-committed
}

void Cluster::add_pool(const std::vector<SimNode>& nodes) {
  std::vector<double> speeds;
  double cores = 0;
  for (const SimNode& node : nodes) {
    cores += node.cores;
    for (double left = node.cores; left > 1e-9; left -= 1)
      speeds.push_back(std::min(1.0, left) * node.speed);
  }
  nodes_.emplace_back("all", Processor(std::move(speeds))).cores = cores;
  idle_cores_ += cores;
}

Node& Cluster::add(const SimNode& from, std::unique_ptr<Strategy> strategy) {
  Node& node = nodes_.emplace_back(node_name(nodes_.size()), Processor(from.cores, from.speed));
  node.cores = from.cores;
  node.speed = from.speed;
  node.memory_bytes = from.memory_bytes;
  node.strategy = std::move(strategy);
  idle_cores_ += from.cores;
  return node;
}

// A node's part in what is idle and in what waits, before and after somebody comes or goes.
void Cluster::count(std::size_t index, int change) {
  wasted_core_s_ += wasted_since(counted_s_);
  counted_s_ = queue_.now_s();
  const double cores = nodes_[index].cores;
  const auto after = static_cast<double>(nodes_[index].cpu.count());
  const double before = after - change;
  idle_cores_ += std::max(0.0, cores - after) - std::max(0.0, cores - before);
  waiting_ += std::max(0.0, after - cores) - std::max(0.0, before - cores);
}

void Cluster::enter(std::uint32_t slot, std::size_t index) {
  Process& process = processes_[slot];
  process.node = static_cast<std::uint32_t>(index);
  use_memory(index, process.job.rss_bytes);
  Node& node = nodes_[index];
  process.nice = is_guest(slot) ? node.strategy->guest_nice(process.received_s) : 0;
  node.cpu.enter(queue_.now_s(), slot, process.job.cpu_s - process.received_s, process.nice);
  count(index, 1);
  schedule_end(index);
}

void Cluster::age_guests(std::size_t index) {
  Node& node = nodes_[index];
  std::vector<std::pair<std::uint32_t, int>> older;
  each_process(index, [&](std::uint32_t slot, double cpu_s) {
    if (!is_guest(slot)) return;
    const int nice = node.strategy->guest_nice(cpu_s);
    if (nice > processes_[slot].nice) older.emplace_back(slot, nice);
  });
  for (const auto& [slot, nice] : older) {
    processes_[slot].nice = nice;
    node.cpu.renice(queue_.now_s(), slot, nice);
  }
  if (!older.empty()) schedule_end(index);
}

void Cluster::leave(std::uint32_t slot) {
  Process& process = processes_[slot];
  process.received_s += nodes_[process.node].cpu.leave(queue_.now_s(), slot);
  count(process.node, -1);
  use_memory(process.node, -process.job.rss_bytes);
  schedule_end(process.node);
}

void Cluster::burn(std::size_t index, double cpu_s) {
  if (cpu_s <= 0) return;
  overhead_cpu_s_ += cpu_s;
  nodes_[index].cpu.enter(queue_.now_s(), kOverhead | (overheads_++ & 0x7fffffff), cpu_s);
  count(index, 1);
  schedule_end(index);
}

void Cluster::schedule_end(std::size_t index) {
  Node& node = nodes_[index];
  const double at = node.cpu.next_end_s();
  if (at >= node.scheduled_end_s) return;  // an earlier event will look again
  node.scheduled_end_s = at;
  queue_.put(at, end_event_, static_cast<std::uint32_t>(index));
}

std::optional<std::uint32_t> Cluster::take_ended(const Event& event) {
  Node& node = nodes_[event.subject];
  const bool first = event.time_s == node.scheduled_end_s;
  if (!first && node.scheduled_end_s != Processor::kNever) return std::nullopt;
  node.scheduled_end_s = Processor::kNever;
  node.cpu.advance(queue_.now_s());
  while (node.cpu.has_ended()) {
    const std::uint32_t id = node.cpu.next_id();
    node.cpu.leave(queue_.now_s(), id);
    count(event.subject, -1);
    if ((id & kOverhead) == 0) {
      use_memory(event.subject, -processes_[id].job.rss_bytes);
      return id;
    }
  }
  schedule_end(event.subject);
  return std::nullopt;
}

void Cluster::use_memory(std::size_t index, double bytes) {
  Node& node = nodes_[index];
  if (node.memory_bytes <= 0) return;
  node.used_bytes += bytes;
  node.cpu.slow_down(queue_.now_s(), node.used_bytes > node.memory_bytes ? kSwapping : 1);
  schedule_end(index);
}

NodeState Cluster::truth(std::size_t index) {
  Node& node = nodes_[index];
  node.cpu.advance(queue_.now_s());
  NodeState state;
  state.load = node.cpu.load();
  state.run_queue = static_cast<double>(node.cpu.count()) - node.outgoing;
  state.incoming = node.incoming;
  state.free_bytes = node.memory_bytes - node.used_bytes;
  state.census = node.promised;
  node.cpu.each([&](std::uint32_t id, double received_s) {
    if ((id & kOverhead) != 0) return state.census.add(0);
    const Process& process = processes_[id];
    if (process.leaving) return;
    const double age_s = process.received_s + received_s;
    state.census.add(by_what_is_left_ ? std::max(0.0, process.job.cpu_s - age_s) : age_s);
  });
  return state;
}

void Cluster::each_process(std::size_t index,
                           const std::function<void(std::uint32_t slot, double cpu_s)>& tell) {
  Node& node = nodes_[index];
  node.cpu.advance(queue_.now_s());
  node.cpu.each([&](std::uint32_t id, double received_s) {
    if ((id & kOverhead) != 0 || processes_[id].leaving) return;
    tell(id, processes_[id].received_s + received_s);
  });
}

double Cluster::busy_cpu_s() {
  double busy = 0;
  for (Node& node : nodes_) {
    node.cpu.advance(queue_.now_s());
    busy += node.cpu.busy_cpu_s();
  }
  return busy;
}

}  // namespace llrun::policies::sim
