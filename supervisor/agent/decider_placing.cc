// The decider, about programs that have just started.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "policies/cost.h"
#include "supervisor/agent/decider.h"
#include "supervisor/agent/views.h"

namespace llrun::agent {

using policies::NodeView;
using protocol::ControlMessage;

bool Decider::may_be_placed(const protocol::ProcessReport& report) const {
  return report.role() == protocol::ProcessReport::ROLE_HOME && report.where().empty() &&
         report.waits_until_ms() > 0 && report.pins().empty() && !report.stay() &&
         !under_way_.contains(report.pid()) && starts_.is_new(report);
}

void Decider::heard(const protocol::ProcessReport& report, const protocol::Load& own) {
  if (experience_ == nullptr || !own.levelling() || !may_be_placed(report)) return;
  const auto expectation =
      experience_->why_longer_than(report, static_cast<double>(report.waits_until_ms()) / 1e3);
  const auto* process = processes_.home(report.pid());
  if (process != nullptr && !expectation.empty()) place(*process, expectation, own);
}

// The newcomer is no company to itself; those that started after the load was measured are.
void Decider::count_starts(NodeView& self, const protocol::ProcessReport& newcomer,
                           const protocol::Load& own) const {
  if (Starts::is_in(own, newcomer)) {
    self.run_queue = std::max(0.0, self.run_queue - 1);
    self.load = std::max(0.0, self.load - 1);
  }
  const int others = starts_.staying_since(own);
  self.run_queue += others;
  if (others > 0) self.census.add(0, others);
}

void Decider::place(const Supervised& process, const std::string& expectation,
                    const protocol::Load& own) {
  const auto& report = process.report;
  const auto sight = look(report.only_node(), own);
  if (sight->nodes.empty()) return;  // its next report may find some
  auto& view = sight->view;
  count_starts(view.self, report, own);
  const auto shown_process = shown(report, view.self);
  view.place_s = policies::move_cost(shown_process, policies::Link{}, view.cost).total_s();
  policies::ExecView exec;
  exec.program = shown_process.program;
  exec.rss_bytes = shown_process.rss_bytes;
  exec.expected_cpu_s = shown_process.remaining_cpu_s;
  const auto placement = strategies_.of(report.only_node()).place(view, exec);
  tell_trouble();
  const bool goes = placement.peer && *placement.peer < sight->nodes.size();
  const auto who = fmt::format("{} ({})", report.program(), report.pid());
  if (!goes) {
    const auto words = fmt::format("{}, and it starts here: {}", expectation,
                                   with_numbers(placement.reason, placement.numbers));
    log_.add(fmt::format("{}: {}", who, words));
    return starts_.asked(report, false, words);
  }
  std::vector<std::string> nodes{sight->nodes[*placement.peer].name};
  for (const auto also : placement.also)
    if (also < sight->nodes.size()) nodes.push_back(sight->nodes[also].name);
  Order order;
  order.reason =
      "placed at its start, since " + expectation + ": " +
      words_of(placement.reason, placement.numbers, view.self, sight->nodes[*placement.peer]);
  order.offer.set_source_s_per_cpu_s(placement.offer.source_s_per_cpu_s);
  order.offer.set_cpu_age_s(placement.offer.cpu_age_s);
  order.offer.set_at_most_s(placement.offer.at_most_s);
  order.offer.set_cpu_rate(1);
  order.offer.set_at_start(true);
  log_.add(fmt::format("{} should start on {}: {}", who, nodes.front(), order.reason));
  starts_.asked(report, true, order.reason);
  place_on(report.pid(), std::move(nodes), std::move(order));
}

// A refusal costs a channel, and the next candidate may be willing.
void Decider::place_on(int pid, std::vector<std::string> nodes, Order order) {
  const auto* process = processes_.home(pid);
  if (process == nullptr || nodes.empty() || nodes_.command(nodes.front()) == nullptr) return;
  order.node = nodes.front();
  nodes.erase(nodes.begin());
  migrate(*process, order, [this, pid, nodes, order](const ControlMessage& message) {
    if (!message.has_answer() || message.answer().status() == protocol::Answer::STATUS_DONE) return;
    const auto& why = message.answer().text();
    log_.add(fmt::format("process {} does not start on {}: {}", pid, order.node, why));
    if (nodes.empty()) return starts_.failed(pid, why);
    place_on(pid, nodes, order);
  });
}

}  // namespace llrun::agent
