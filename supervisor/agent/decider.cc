#include "supervisor/agent/decider.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervisor/agent/crowd.h"

namespace llrun::agent {
namespace {

using policies::NodeView;
using policies::ProcessView;
using protocol::ControlMessage;

NodeView view_of(const protocol::Load& load, double age_s) {
  NodeView view;
  view.name = load.node();
  view.load = load.run_queue();
  view.run_queue = load.run_queue();
  view.cores = load.capacity();
  view.speed = load.speed();
  view.memory_bytes = static_cast<double>(load.total_memory_bytes());
  view.free_memory_bytes = static_cast<double>(load.free_memory_bytes());
  view.levelling = load.levelling();
  view.accepts = load.accepts();
  view.incoming = static_cast<int>(load.incoming());
  view.census = told_census(load);
  view.age_s = age_s;
  if (load.rtt_us() > 0) view.link.rtt_s = load.rtt_us() / 1e6;
  if (load.bandwidth() > 0) view.link.bandwidth_bytes_per_s = load.bandwidth() * (1U << 20);
  return view;
}

ProcessView view_of(const protocol::ProcessReport& report) {
  ProcessView view;
  view.id = static_cast<std::uint64_t>(report.pid());
  view.age_s = static_cast<double>(report.age_ms()) / 1e3;
  view.cpu_s = static_cast<double>(report.cpu_ms()) / 1e3;
  view.cpu_since_move_s =
      static_cast<double>(report.moves() == 0 ? report.cpu_ms() : report.cpu_since_move_ms()) / 1e3;
  view.cpu_rate = report.cpu_rate();
  view.rss_bytes = static_cast<double>(report.resident_bytes());
  view.dirty_bytes = static_cast<double>(report.dirty_bytes());
  view.home_bytes_per_s = report.file_io_rate() * (1U << 20);
  view.moves = static_cast<int>(report.moves());
  view.last_move_age_s = static_cast<double>(report.since_last_move_ms()) / 1e3;
  view.home_calls_per_s = report.home_calls_rate();
  view.program = report.executable().empty() ? report.program() : report.executable();
  return view;
}

std::string words_of(const policies::Decision& decision, const NodeView& here,
                     const NodeView& there) {
  auto words =
      fmt::format("{}: run queue {:.1f} on {:.1f} cores here, {:.1f} on {:.1f} there",
                  decision.reason, here.run_queue, here.cores, there.run_queue, there.cores);
  for (const auto& [name, value] : decision.numbers)
    words += fmt::format(", {} {:.3g}", name, value);
  return words;
}

}  // namespace

Result<std::unique_ptr<Decider>> Decider::create(const config::Config& config, EventLog& log,
                                                 Processes& processes, Nodes nodes) {
  LLRUN_TRY_ASSIGN(auto strategies,
                   Strategies::create(config.strategy, {1, config.strategy_numbers}));
  return std::unique_ptr<Decider>(
      new Decider(config, std::move(strategies), log, processes, std::move(nodes)));
}

ProcessView Decider::shown(const protocol::ProcessReport& report) const {
  auto view = view_of(report);
  if (experience_ != nullptr) view.remaining_cpu_s = experience_->expect(report).remaining_cpu_s;
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
bool Decider::may_go(const Supervised& process) const {
  const auto& report = process.report;
  const auto settle = static_cast<std::uint64_t>(config_.settle.count());
  const auto refused = not_before_.find(report.pid());
  return report.role() == protocol::ProcessReport::ROLE_HOME && report.where().empty() &&
         report.eligible() && !report.stay() && report.pins().empty() &&
         !under_way_.contains(report.pid()) &&
         (report.moves() == 0 || report.since_last_move_ms() >= settle) &&
         (refused == not_before_.end() || Clock::now() >= refused->second) && !never(report);
}

void Decider::decide(const protocol::Load& own) {
  std::erase_if(not_before_, [](const auto& entry) { return Clock::now() >= entry.second; });
  if (!own.levelling()) return;
  std::map<std::string, std::vector<const Supervised*>> by_target;
  for (const auto* process : processes_.all())
    if (may_go(*process)) by_target[process->report.only_node()].push_back(process);
  for (const auto& [only_node, processes] : by_target) decide_for(only_node, own, processes);
  tell_trouble();
}

void Decider::decide_for(const std::string& only_node, const protocol::Load& own,
                         const std::vector<const Supervised*>& processes) {
  policies::ClusterView view;
  view.self = view_of(own, 0);
  std::vector<NodeView> nodes;
  for (const auto& [node, known] : nodes_.known()) {
    const bool wanted = only_node.empty() || node == only_node;
    if (!wanted || !known.load.reachable() || nodes_.command(node) == nullptr) continue;
    const std::chrono::duration<double> age = Clock::now() - known.heard_at;
    nodes.push_back(view_of(known.load, age.count()));
    nodes.back().incoming += static_cast<int>(
        std::ranges::count_if(under_way_, [&](const auto& going) { return going.second == node; }));
  }
  view.peers = nodes;
  std::vector<ProcessView> views;
  for (const auto* process : processes) views.push_back(shown(process->report));
  for (const auto& decision : strategies_.of(only_node).decide(view, views)) {
    const auto* process = processes_.home(static_cast<int>(decision.process));
    if (!decision.peer || decision.probe || process == nullptr || *decision.peer >= nodes.size()) continue;
    auto worded = decision;
    worded.reason = words_of(decision, view.self, nodes[*decision.peer]);
    go(*process, nodes[*decision.peer].name, worded);
  }
}

void Decider::go(const Supervised& process, const std::string& node,
                 const policies::Decision& decision) {
  const int pid = process.report.pid();
  log_.add(fmt::format("{} ({}) should go to {}: {}", process.report.program(), pid, node,
                       decision.reason));
  migrate(process, node, decision.reason, false, [this, pid, node](const ControlMessage& message) {
    if (!message.has_answer() || message.answer().status() == protocol::Answer::STATUS_DONE) return;
    not_before_[pid] = Clock::now() + kAfterRefusal;
    log_.add(fmt::format("process {} does not go to {}: {}", pid, node, message.answer().text()));
  });
}

void Decider::migrate(const Supervised& process, const std::string& node, const std::string& reason,
                      bool by_hand, Processes::OnAnswer on_answer) {
  const int pid = process.report.pid();
  ControlMessage question;
  auto* migrate = question.mutable_migrate();
  migrate->set_pid(pid);
  migrate->set_node(node);
  migrate->set_reason(reason);
  migrate->set_by_hand(by_hand);
  for (const auto& word : *nodes_.command(node)) migrate->add_channel_command(word);
  under_way_[pid] = node;
  processes_.ask(process, question,
                 [this, pid, on_answer = std::move(on_answer)](const ControlMessage& answer) {
                   if (answer.has_answer()) under_way_.erase(pid);
                   on_answer(answer);
                 });
}

}  // namespace llrun::agent
