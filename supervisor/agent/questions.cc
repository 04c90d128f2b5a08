#include "supervisor/agent/questions.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace llrun::agent {

using protocol::Answer;
using protocol::ControlMessage;

namespace {

control::Reply reply_to(const std::shared_ptr<control::Connection>& from, std::uint64_t id) {
  return control::Reply([weak = std::weak_ptr(from), id](ControlMessage message) {
    message.set_id(id);
    if (const auto connection = weak.lock()) connection->send(message);
  });
}

Answer answer_of(Answer::Status status, std::string text) {
  Answer answer;
  answer.set_status(status);
  answer.set_text(std::move(text));
  return answer;
}

Processes::OnAnswer relay(const control::Reply& reply) {
  return [reply](const ControlMessage& message) {
    if (message.has_row()) reply.row(message.row());
    if (message.has_answer()) reply.answer(message.answer());
  };
}

constexpr std::chrono::milliseconds kLookAgain{50};

bool is_about_peers(const ControlMessage& message) {
  return message.has_list_nodes() || message.has_migrate() ||
         (message.has_verb() && !message.verb().node().empty());
}

// The process of this node whose supervisor has to answer; none: it is about something else.
std::optional<int> whom_it_asks(const ControlMessage& message) {
  switch (message.body_case()) {
    case ControlMessage::kMigrate:
      return message.migrate().pid();
    case ControlMessage::kComeHome:
      if (message.come_home().all()) return std::nullopt;
      return message.come_home().pid();
    case ControlMessage::kWhy:
      return message.why().pid();
    case ControlMessage::kStack:
      return message.stack().pid();
    case ControlMessage::kFiles:
      return message.files().pid();
    case ControlMessage::kForget:
      return message.forget().pid();
    case ControlMessage::kPinByHand:
      return message.pin_by_hand().pid();
    default:
      return std::nullopt;
  }
}

std::string no_such(int pid) {
  return fmt::format(
      "process {} is not one that llrun cares for on this node: llrunctl ps lists them, "
      "llrun -p {} attaches to it",
      pid, pid);
}

}  // namespace

// The first question starts an agent, and peers take a moment to be reached; so does the supervisor
// of a program that was only waited for.
void Questions::take(const std::shared_ptr<control::Connection>& from,
                     const ControlMessage& message) {
  const auto pid = whom_it_asks(message);
  const bool too_early = (is_about_peers(message) && around_.peers.awaited()) ||
                         (pid && around_.waiters.wake_for(*pid));
  if (!too_early) return answer(from, message);
  around_.loop.after(kLookAgain, [this, alive = std::weak_ptr(alive_), from, message] {
    if (!alive.expired()) take(from, message);
  });
}

void Questions::answer(const std::shared_ptr<control::Connection>& from,
                       const ControlMessage& message) {
  const auto reply = reply_to(from, message.id());
  switch (message.body_case()) {
    case ControlMessage::kListProcesses:
      return list_processes(reply);
    case ControlMessage::kListNodes:
      return list_nodes(reply);
    case ControlMessage::kFollowLog:
      return follow_log(from, message.id(), message.follow_log().follow());
    case ControlMessage::kMigrate:
      return migrate(message.migrate(), reply);
    case ControlMessage::kComeHome:
      return come_home(message.come_home(), reply);
    case ControlMessage::kWhy:
      return why(message, reply);
    case ControlMessage::kStack:
      return pass_on(message.stack().pid(), message, reply);
    case ControlMessage::kFiles:
      return pass_on(message.files().pid(), message, reply);
    case ControlMessage::kForget:
      return pass_on(message.forget().pid(), message, reply);
    case ControlMessage::kPinByHand:
      return pass_on(message.pin_by_hand().pid(), message, reply);
    case ControlMessage::kVerb:
      return around_.verbs.take(message.verb(), reply);
    default:
      reply.answer(answer_of(Answer::STATUS_USAGE,
                             "this agent does not know that question: restart it with "
                             "the same version of llrun"));
  }
}

void Questions::list_processes(const Reply& reply) {
  for (const auto* process : around_.processes.all()) {
    protocol::Row row;
    *row.mutable_process() = process->report;
    reply.row(row);
  }
  for (auto& report : around_.waiters.reports()) {
    protocol::Row row;
    *row.mutable_process() = std::move(report);
    reply.row(row);
  }
  reply.done();
}

void Questions::list_nodes(const Reply& reply) {
  protocol::Row row;
  *row.mutable_load() = around_.own_load();
  reply.row(row);
  for (const auto& [node, known] : around_.peers.known()) {
    *row.mutable_load() = known.load;
    reply.row(row);
  }
  reply.done();
}

void Questions::follow_log(const std::shared_ptr<control::Connection>& from, std::uint64_t id,
                           bool follow) {
  const auto reply = reply_to(from, id);
  protocol::Row row;
  for (const auto& line : last_lines(around_.log.file(), 20).value_or(std::vector<std::string>{})) {
    row.set_line(line);
    reply.row(row);
  }
  if (!follow) return reply.done();
  around_.log.follow([weak = std::weak_ptr(from), reply](const std::string& line) {
    const auto connection = weak.lock();
    if (connection == nullptr || !connection->open()) return false;
    protocol::Row next;
    next.set_line(line);
    reply.row(next);
    return true;
  });
}

void Questions::migrate(const protocol::Migrate& wanted, const Reply& reply) {
  const auto* process = around_.processes.home(wanted.pid());
  if (process == nullptr)
    return reply.answer(answer_of(Answer::STATUS_NO_SUCH_PROCESS, no_such(wanted.pid())));
  if (wanted.node() == around_.config.name) {
    protocol::ComeHome home;
    home.set_pid(wanted.pid());
    home.set_reason("asked for by hand");
    return come_home(home, reply);
  }
  const auto known = around_.peers.known().find(wanted.node());
  if (known == around_.peers.known().end() || around_.peers.command(wanted.node()) == nullptr)
    return reply.answer(answer_of(Answer::STATUS_UNREACHABLE,
                                  fmt::format("there is no node {}: name it in [nodes] of "
                                              "llrun.conf; llrunctl nodes lists those known",
                                              wanted.node())));
  if (!known->second.load.reachable())
    return reply.answer(answer_of(Answer::STATUS_UNREACHABLE,
                                  fmt::format("node {} cannot be reached: {}", wanted.node(),
                                              known->second.load.unreachable_why())));
  if (!known->second.load.accepts())
    return reply.refused(fmt::format("node {} takes no guests: {}", wanted.node(),
                                     known->second.load.accepts_why_not()));
  Decider::Order order{wanted.node(), std::string(Decider::kByHand), {}};
  order.offer.set_by_hand(true);
  order.offer.set_cpu_rate(
      std::max(process->report.cpu_rate(), around_.waiters.cpu_rate_before(wanted.pid())));
  around_.decider.migrate(*process, order, relay(reply));
}

void Questions::come_home(const protocol::ComeHome& wanted, const Reply& reply) {
  if (wanted.all()) return around_.verbs.all_home(wanted.reason(), reply);
  ControlMessage message;
  *message.mutable_come_home() = wanted;
  pass_on(wanted.pid(), message, reply);
}

// With `explain` the strategy speaks, else the supervisor: only it sees what pins a program.
void Questions::why(const ControlMessage& message, const Reply& reply) {
  const int pid = message.why().pid();
  const auto* process = around_.processes.home(pid);
  if (!message.why().explain()) {
    // Of hints the supervisor knows nothing.
    const auto* hint =
        process == nullptr ? nullptr : around_.experience.expect(process->report).hint;
    if (hint == nullptr || !hint->never) return pass_on(pid, message, reply);
    protocol::Row row;
    row.mutable_pin()->set_what("a hint says that " + process->report.program() + " never moves");
    row.mutable_pin()->set_remedy("remove it from [hints] in llrun.conf");
    reply.row(row);
    return reply.done();
  }
  if (process == nullptr)
    return reply.answer(answer_of(Answer::STATUS_NO_SUCH_PROCESS, no_such(pid)));
  const auto explained = around_.decider.explain(*process, around_.own_load());
  reply.done(explained.text, explained.json);
}

void Questions::pass_on(int pid, const ControlMessage& message, const Reply& reply) {
  const auto* process = around_.processes.home(pid);
  if (process == nullptr)
    return reply.answer(answer_of(Answer::STATUS_NO_SUCH_PROCESS, no_such(pid)));
  around_.processes.ask(*process, message, relay(reply));
}

}  // namespace llrun::agent
