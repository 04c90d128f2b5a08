#include "supervisor/agent/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "policies/cost.h"
#include "policies/strategy/eligibility.h"

namespace llrun::agent {
namespace {

using nlohmann::ordered_json;
using policies::ClusterView;
using policies::NodeView;

constexpr int kSchema = 1;

// For one more process there.
double cost_of(const NodeView& node) {
  return policies::s_per_cpu_s(node, std::max(node.load, node.run_queue) + node.incoming + 1);
}

std::string why_not(const NodeView& node, double bytes) {
  if (!node.levelling) return "levelling off";
  if (!node.accepts) return "takes no guests";
  if (!policies::has_room(node, bytes)) return "too little memory";
  return policies::can_receive(node, bytes) ? "" : "not heard of";
}

std::string node_line(const NodeView& node, const std::string& remark) {
  return fmt::format(
      "  {:<12} load {:6.2f}  now {:3.0f}  coming {:2}  cores {:5.1f}  speed {:5.2f}"
      "  free {:7.0f} MiB  {:6.2f} s a CPU second{}{}\n",
      node.name, node.load, node.run_queue, node.incoming, node.cores, node.speed,
      node.free_memory_bytes / (1 << 20), cost_of(node), remark.empty() ? "" : "  ", remark);
}

// `home`: of a process that is away; then the first is the node that it runs on.
std::string nodes_text(const ClusterView& view, double bytes,
                       std::optional<std::size_t> home = std::nullopt) {
  auto text = node_line(view.self, home ? "runs it" : "here");
  for (std::size_t i = 0; i < view.peers.size(); ++i)
    text += node_line(view.peers[i], i == home ? "its home" : why_not(view.peers[i], bytes));
  return text;
}

ordered_json json_of(const NodeView& node, const std::string& remark) {
  return {{"node", node.name},
          {"load", node.load},
          {"running", node.run_queue},
          {"incoming", node.incoming},
          {"cores", node.cores},
          {"speed", node.speed},
          {"free_memory_bytes", node.free_memory_bytes},
          {"age_s", node.age_s},
          {"rtt_s", node.link.rtt_s},
          {"bandwidth_bytes_per_s", node.link.bandwidth_bytes_per_s},
          {"s_per_cpu_s", cost_of(node)},
          {"why_not", remark}};
}

ordered_json nodes_json(const ClusterView& view, double bytes) {
  ordered_json nodes = ordered_json::array({json_of(view.self, "")});
  for (const auto& node : view.peers) nodes.push_back(json_of(node, why_not(node, bytes)));
  return nodes;
}

std::string dump(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string explanation_text(const policies::ProcessView& process,
                             const policies::Decision& decision, const ClusterView& view,
                             const std::string& start) {
  auto text = fmt::format(
      "{} ({}) {}: {}\n", process.program, process.id,
      decision.peer ? "should go to " + view.peers[*decision.peer].name : std::string("stays"),
      decision.reason);
  if (!start.empty()) text += fmt::format("  at its start: {}\n", start);
  for (const auto& [name, value] : decision.numbers)
    text += fmt::format("  {:<20} {:.4g}\n", name, value);
  text += fmt::format("  {:<20} {:.4g}\n  {:<20} {:.4g}\n  {:<20} {:.0f}\n  {:<20} {}\n", "cpu_s",
                      process.cpu_s, "cpu_since_move_s", process.cpu_since_move_s, "dirty_bytes",
                      process.dirty_bytes, "moves", process.moves);
  text += nodes_text(view, process.rss_bytes, process.home);
  text.pop_back();
  return text;
}

std::string explanation_json(const policies::ProcessView& process,
                             const policies::Decision& decision, const ClusterView& view,
                             const std::string& start) {
  ordered_json numbers = ordered_json::object();
  for (const auto& [name, value] : decision.numbers) numbers[std::string(name)] = value;
  ordered_json to = nullptr;
  if (decision.peer) to = view.peers[*decision.peer].name;
  return dump({{"schema", kSchema},
               {"pid", process.id},
               {"program", process.program},
               {"goes_to", to},
               {"reason", decision.reason},
               {"at_start", start},
               {"numbers", numbers},
               {"cpu_s", process.cpu_s},
               {"cpu_since_move_s", process.cpu_since_move_s},
               {"cpu_rate", process.cpu_rate},
               {"dirty_bytes", process.dirty_bytes},
               {"moves", process.moves},
               {"freeze_s", view.cost.freeze_s},
               {"freeze_s_per_byte", view.cost.freeze_s_per_byte},
               {"nodes", nodes_json(view, process.rss_bytes)}});
}

const NodeView& best_node(const ClusterView& view) {
  const auto* best = &view.self;
  for (const auto& node : view.peers)
    if (policies::can_receive(node, 0) && cost_of(node) < cost_of(*best)) best = &node;
  return *best;
}

std::string best_text(const ClusterView& view, bool explain) {
  const auto& name = best_node(view).name;
  if (!explain) return name;
  auto text = name + "\n" + nodes_text(view, 0);
  text.pop_back();
  return text;
}

std::string best_json(const ClusterView& view) {
  const auto& best = best_node(view);
  return dump({{"schema", kSchema},
               {"node", best.name},
               {"s_per_cpu_s", cost_of(best)},
               {"nodes", nodes_json(view, 0)}});
}

}  // namespace llrun::agent
