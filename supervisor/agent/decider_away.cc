// The decider, about programs of this home that are on other nodes: the strategy sees their host in
// the place of this node, and this node among the peers, as their home.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "supervisor/agent/decider.h"
#include "supervisor/agent/views.h"
#include "supervisor/migration/machine.h"

namespace llrun::agent {

using policies::NodeView;
using protocol::ControlMessage;
using protocol::ProcessReport;

namespace {

// What a node says of itself may be so old, and does not know yet who has left.
constexpr std::uint64_t kSaidBefore_ms = 2000;
// A strategy remembers what it was shown: those that are away are judged apart from those here.
constexpr char kSet[] = "what is away";

bool is_settled_away(const ProcessReport& report) {
  return report.state() == migration::name(migration::HomeState::kAway);
}

void one_less(NodeView& node, const ProcessReport& report) {
  node.run_queue = std::max(0.0, node.run_queue - 1);
  node.load = std::max(0.0, node.load - 1);
  node.census = node.census.without(static_cast<double>(report.cpu_ms()) / 1e3);
}

}  // namespace

std::string Decider::why_not_away(const ProcessReport& report) const {
  if (!is_settled_away(report)) return "it is on its way";
  if (report.last_reason() == kByHand) return "it was moved to " + report.where() + " by hand";
  const auto host = nodes_.known().find(report.where());
  if (host == nodes_.known().end() || !host->second.load.reachable())
    return report.where() + ", where it runs, is not heard";
  return "";
}

void Decider::decide_away(const protocol::Load& own, const std::vector<const Supervised*>& away) {
  std::map<std::pair<std::string, std::string>, std::vector<const Supervised*>> groups;
  for (const auto* process : away)
    groups[{process->report.where(), process->report.only_node()}].push_back(process);
  for (const auto& [where_and_only, processes] : groups)
    if (const auto sight = look_from(where_and_only.first, where_and_only.second, own))
      ask(kSet + where_and_only.second, *sight, processes);
}

// Null: the host is not heard.
std::unique_ptr<Decider::Sight> Decider::look_from(const std::string& host,
                                                   const std::string& only_node,
                                                   const protocol::Load& own) const {
  const auto from_here = look("", own);
  auto sight = std::make_unique<Sight>();
  bool heard = false;
  for (auto& node : from_here->nodes) {
    const bool is_host = node.name == host;
    if (is_host) sight->view.self = node;
    heard = heard || is_host;
    if (!is_host && (only_node.empty() || node.name == only_node)) sight->nodes.push_back(node);
  }
  if (!heard) return nullptr;
  sight->home = sight->nodes.size();
  auto& home = sight->nodes.emplace_back(from_here->view.self);
  home.accepts = true;  // its own, always
  home.link = sight->view.self.link;
  sight->view.cost = from_here->view.cost;
  // By way of home: two freezes, and both ends work twice.
  sight->view.cost.freeze_s *= 2;
  sight->view.cost.freeze_s_per_byte *= 2;
  sight->view.cost.move_cpu_s *= 2;
  count_leavers(*sight);
  sight->view.peers = sight->nodes;
  return sight;
}

// Those on their way from the host are not yet gone by what it says, nor here by what was measured.
void Decider::count_leavers(Sight& sight) const {
  NodeView& host = sight.view.self;
  NodeView& home = sight.nodes[*sight.home];
  for (const auto* process : processes_.all()) {
    const auto& report = process->report;
    if (report.role() != ProcessReport::ROLE_HOME) continue;
    const auto going = under_way_.find(report.pid());
    const bool leaves =
        report.where() == host.name && (going != under_way_.end() || !is_settled_away(report));
    const bool has_left = report.where().empty() && report.last_node() == host.name &&
                          report.since_last_move_ms() < kSaidBefore_ms;
    if (leaves || has_left) one_less(host, report);
    if (leaves && (going == under_way_.end() || going->second == home.name)) ++home.incoming;
  }
}

void Decider::call_home(const Supervised& process, const std::string& home,
                        const std::string& reason) {
  const int pid = process.report.pid();
  log_.add(fmt::format("{} ({}) should come home from {}: {}", process.report.program(), pid,
                       process.report.where(), reason));
  ControlMessage question;
  question.mutable_come_home()->set_pid(pid);
  question.mutable_come_home()->set_reason(reason);
  under_way_[pid] = home;
  processes_.ask(process, question, [this, pid](const ControlMessage& message) {
    if (message.has_answer()) under_way_.erase(pid);
    refused(pid, "come home", message);
  });
}

}  // namespace llrun::agent
