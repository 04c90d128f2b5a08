#include "supervisor/agent/decider.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "policies/strategy/relief.h"
#include "supervisor/agent/views.h"

namespace llrun::agent {
namespace {

using policies::NodeView;
using policies::ProcessView;
using protocol::ControlMessage;

}  // namespace

Result<std::unique_ptr<Decider>> Decider::create(const config::Config& config, EventLog& log,
                                                 Processes& processes, Nodes nodes) {
  LLRUN_TRY_ASSIGN(auto strategies,
                   Strategies::create(config.strategy, {1, config.strategy_numbers}));
  return std::unique_ptr<Decider>(
      new Decider(config, std::move(strategies), log, processes, std::move(nodes)));
}

ProcessView Decider::shown(const protocol::ProcessReport& report, const NodeView& host) const {
  auto view = view_of(report, host);
  if (experience_ != nullptr) view.remaining_cpu_s = experience_->expect(report).remaining_cpu_s;
  // Where it began is a start, no move.
  view.placed = starts_.was_asked(report.pid());
  if (view.moves > 0 && starts_.goes(report.pid())) --view.moves;
  return view;
}

bool Decider::never(const protocol::ProcessReport& report) const {
  if (experience_ == nullptr) return false;
  const auto* hint = experience_->expect(report).hint;
  return hint != nullptr && hint->never;
}

// A user's own strategy that does not answer is told once, and so is that it answers again.
void Decider::tell_trouble() {
  const auto before = std::exchange(trouble_, strategies_.trouble());
  if (trouble_ == before) return;
  log_.add(trouble_.empty() ? "the strategy " + strategies_.name() + " answers again" : trouble_);
}

// One decision at a time, none for what stays by its owner's wish or has moved a moment ago.
std::string Decider::why_not_now(const Supervised& process) const {
  const auto& report = process.report;
  const auto refused = not_before_.find(report.pid());
  if (report.role() != protocol::ProcessReport::ROLE_HOME) return "it is a guest: its home decides";
  if (report.stay()) return "it stays by its owner's wish";
  if (!report.pins().empty()) return "it is pinned: " + report.pins(0).what();
  if (under_way_.contains(report.pid())) return "it has been asked to go already";
  if (!has_settled(report)) return "it has moved a moment ago, and settles (settle)";
  if (refused != not_before_.end() && Clock::now() < refused->second)
    return "it was refused a moment ago";
  if (never(report)) return "a hint says that it never moves";
  return why_not_where_it_is(report);
}

std::string Decider::why_not_where_it_is(const protocol::ProcessReport& report) const {
  if (!report.where().empty()) return why_not_away(report);
  return report.eligible() ? "" : "it is not eligible yet (llrunctl why says when)";
}

// What its host sent away need not wait, unless the host would have it back.
bool Decider::has_settled(const protocol::ProcessReport& report) const {
  if (report.moves() == 0 ||
      report.since_last_move_ms() >= static_cast<std::uint64_t>(config_.settle.count()))
    return true;
  const auto host = nodes_.known().find(report.last_node());
  return report.sent_home() && (host == nodes_.known().end() || !host->second.load.accepts() ||
                                !host->second.load.reachable());
}

void Decider::decide(const protocol::Load& own) {
  std::erase_if(not_before_, [](const auto& entry) { return Clock::now() >= entry.second; });
  starts_.forget_ended(processes_);
  if (!own.levelling()) return;
  std::map<std::string, std::vector<const Supervised*>> by_target;
  std::vector<const Supervised*> away;
  for (const auto* process : processes_.all()) {
    if (!may_go(*process)) continue;
    const bool here = process->report.where().empty();
    (here ? by_target[process->report.only_node()] : away).push_back(process);
  }
  for (const auto& [only_node, processes] : by_target)
    if (relieve(only_node, own, processes)) return;  // and look again when that has gone
  for (const auto& [only_node, processes] : by_target) decide_for(only_node, own, processes);
  decide_away(own, away);
  tell_trouble();
}

std::unique_ptr<Decider::Sight> Decider::look(const std::string& only_node,
                                              const protocol::Load& own) const {
  auto sight = std::make_unique<Sight>();
  sight->view.self = view_of(own, 0);
  // What has been asked to go still runs here, and is gone in a moment.
  for (const auto& [pid, node] : under_way_)
    if (const auto* process = processes_.home(pid)) {
      auto& self = sight->view.self;
      const double threads = threads_here(process->report, own);
      self.run_queue = std::max(0.0, self.run_queue - threads);
      self.load = std::max(0.0, self.load - threads);
      if (threads > 0)
        self.census = self.census.without(static_cast<double>(process->report.cpu_ms()) / 1e3);
    }
  sight->view.self.uncounted = uncounted(sight->view.self);
  for (const auto& [node, known] : nodes_.known()) {
    const bool wanted = only_node.empty() || node == only_node;
    if (!wanted || !known.load.reachable() || nodes_.command(node) == nullptr) continue;
    const std::chrono::duration<double> age = Clock::now() - known.heard_at;
    auto& seen = sight->nodes.emplace_back(view_of(known.load, age.count()));
    seen.incoming += static_cast<int>(
        std::ranges::count_if(under_way_, [&](const auto& going) { return going.second == node; }));
  }
  sight->view.peers = sight->nodes;
  if (nodes_.costs != nullptr) sight->view.cost = nodes_.costs->model();
  return sight;
}

// Its part in the run queue that was measured of this node. How much one uses that has just started
// is not known yet: a core, if it was there to be measured.
double Decider::threads_here(const protocol::ProcessReport& report,
                             const protocol::Load& own) const {
  if (!report.where().empty()) return 0;
  if (report.cpu_rate() > 0 || !starts_.goes(report.pid()))
    return wanted_cores(report, view_of(own, 0));
  return Starts::is_in(own, report) ? 1 : 0;
}

// Threads here that the census lacks: the strangers, and those beyond the first of what stays here.
std::optional<double> Decider::uncounted(const NodeView& self) const {
  if (strangers_ == nullptr) return std::nullopt;
  double threads = strangers_->lasting();
  for (const auto* process : processes_.all())
    if (process->report.where().empty() && !under_way_.contains(process->report.pid()))
      threads += std::max(0.0, wanted_cores(process->report, self) - 1);
  return threads;
}

void Decider::decide_for(const std::string& only_node, const protocol::Load& own,
                         const std::vector<const Supervised*>& processes) {
  ask(only_node, *look(only_node, own), processes);
}

void Decider::ask(const std::string& set, const Sight& sight,
                  const std::vector<const Supervised*>& processes) {
  std::vector<ProcessView> views;
  for (const auto* process : processes) {
    auto& view = views.emplace_back(shown(process->report, sight.view.self));
    view.home = sight.home;
  }
  for (const auto& decision : strategies_.of(set).decide(sight.view, views)) {
    const auto* process = processes_.home(static_cast<int>(decision.process));
    const bool acts = decision.peer && !decision.probe && *decision.peer < sight.nodes.size();
    if (acts && process != nullptr) go(*process, sight, decision);
  }
}

bool Decider::relieve(const std::string& only_node, const protocol::Load& own,
                      const std::vector<const Supervised*>& processes) {
  const auto sight = look(only_node, own);
  double missing = policies::memory_shortage(sight->view.self, own.pressure_memory());
  // What is on its way out will have freed its memory soon.
  for (const auto& [pid, node] : under_way_)
    if (const auto* process = processes_.home(pid))
      missing -= static_cast<double>(process->report.resident_bytes());
  std::vector<ProcessView> views;
  for (const auto* process : processes) views.push_back(shown(process->report, sight->view.self));
  const auto decision = policies::relieve(sight->view, views, missing);
  if (!decision) return false;
  const auto* process = processes_.home(static_cast<int>(decision->process));
  if (process != nullptr) go(*process, *sight, *decision);
  return process != nullptr;
}

void Decider::go(const Supervised& process, const Sight& sight,
                 const policies::Decision& decision) {
  const int pid = process.report.pid();
  const NodeView& target = sight.nodes[*decision.peer];
  const auto reason = words_of(decision.reason, decision.numbers, sight.view.self, target);
  if (decision.peer == sight.home) return call_home(process, target.name, reason);
  Order order{target.name, reason, {}};
  order.offer.set_source_s_per_cpu_s(decision.offer.source_s_per_cpu_s);
  order.offer.set_cpu_age_s(decision.offer.cpu_age_s);
  order.offer.set_at_most_s(decision.offer.at_most_s);
  order.offer.set_cpu_rate(process.report.cpu_rate());
  log_.add(fmt::format("{} ({}) should go to {}: {}", process.report.program(), pid, order.node,
                       order.reason));
  migrate(process, order, [this, pid, node = order.node](const ControlMessage& message) {
    refused(pid, "go to " + node, message);
  });
}

void Decider::refused(int pid, const std::string& what, const ControlMessage& message) {
  if (!message.has_answer() || message.answer().status() == protocol::Answer::STATUS_DONE) return;
  not_before_[pid] = Clock::now() + config_.rest;
  log_.add(fmt::format("process {} does not {}: {}", pid, what, message.answer().text()));
}

void Decider::migrate(const Supervised& process, const Order& order,
                      Processes::OnAnswer on_answer) {
  const int pid = process.report.pid();
  ControlMessage question;
  auto* migrate = question.mutable_migrate();
  migrate->set_pid(pid);
  migrate->set_node(order.node);
  migrate->set_reason(order.reason);
  migrate->set_by_hand(order.offer.by_hand());
  *migrate->mutable_offer() = order.offer;
  for (const auto& word : *nodes_.command(order.node)) migrate->add_channel_command(word);
  under_way_[pid] = order.node;
  processes_.ask(process, question,
                 [this, pid, on_answer = std::move(on_answer)](const ControlMessage& answer) {
                   if (answer.has_answer()) under_way_.erase(pid);
                   on_answer(answer);
                 });
}

std::string Decider::why_not(const protocol::Load& own, const protocol::Hello& newcomer) {
  const auto& offered = newcomer.offer();
  if (offered.by_hand() || offered.source_s_per_cpu_s() <= 0) return "";
  policies::Offer offer;
  offer.source_s_per_cpu_s = offered.source_s_per_cpu_s();
  offer.bytes = static_cast<double>(newcomer.memory_bytes());
  offer.cpu_age_s = offered.cpu_age_s();
  offer.at_most_s = offered.at_most_s();
  offer.at_start = offered.at_start();
  const auto admission = strategies_.of("").admit(view_of(own, 0), offer);
  return admission.welcome ? "" : admission.reason;
}

Explanation Decider::explain(const Supervised& process, const protocol::Load& own) {
  const auto& report = process.report;
  auto sight = report.where().empty() ? look(report.only_node(), own)
                                      : look_from(report.where(), report.only_node(), own);
  if (sight == nullptr) sight = look(report.only_node(), own);  // its host is not heard
  sight->view.explain = true;
  policies::Decision decision;
  decision.reason = own.levelling() ? why_not_now(process) : "this node takes no part in levelling";
  auto view = shown(report, sight->view.self);
  view.home = sight->home;
  if (decision.reason.empty()) {
    decision.reason = "the strategy has nothing to say";
    // Not the one that decides: what a strategy remembers must not depend on who asks.
    if (auto fresh = Strategies::create(strategies_.name(), strategies_.options()))
      for (auto& said : fresh->of("").decide(sight->view, std::span(&view, 1))) decision = said;
  }
  const auto start = starts_.words(report.pid());
  return {explanation_text(view, decision, sight->view, start),
          explanation_json(view, decision, sight->view, start)};
}

Explanation Decider::best(const protocol::Load& own, bool explain) const {
  const auto sight = look("", own);
  return {best_text(sight->view, explain), best_json(sight->view)};
}

}  // namespace llrun::agent
