#include "supervisor/agent/verbs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "supervisor/agent/gathering.h"
#include "supervisor/agent/learned_verbs.h"
#include "supervisor/config/paths.h"
#include "supervisor/doctor/pair.h"

namespace llrun::agent {
namespace {

using protocol::Answer;
using protocol::ProcessReport;

constexpr const char* kAllNodes = "*";

// What a relayed answer becomes part of.
control::Reply into(const std::shared_ptr<Gathering>& gathering, const std::string& who) {
  return control::Reply([gathering, who](const protocol::ControlMessage& message) {
    if (message.has_answer()) gathering->take(who, message.answer());
  });
}

}  // namespace

void Verbs::take(const protocol::AgentVerb& verb, const Reply& reply) {
  if (verb.node() == kAllNodes) return on_all_nodes(verb, reply);
  if (!verb.node().empty() && verb.node() != around_.config.name)
    return around_.peers.ask(verb.node(), verb, reply);
  const auto& name = verb.verb();
  const std::vector<std::string> words(verb.arguments().begin(), verb.arguments().end());
  // Not for other nodes: a strategy may be a program, and a key that only lets llrund be run must
  // not let anything else be run.
  if (name == "strategy") return strategy_verb(around_.strategies, around_.log, words, reply);
  if (name == "history") return history_verb(around_.experience, words, reply);
  if (name == "pair") return pair(words.empty() ? "" : words[0], reply);
  perform(verb, reply);
}

void Verbs::on_all_nodes(const protocol::AgentVerb& verb, const Reply& reply) {
  const auto gathering =
      Gathering::create(reply, [](int, const std::string& said) { return said; });
  perform(verb, into(gathering, around_.config.name));
  for (const auto& peer : around_.config.nodes)
    around_.peers.ask(peer.name, verb, into(gathering, peer.name));
}

void Verbs::perform(const protocol::AgentVerb& verb, const Reply& reply) {
  const auto& name = verb.verb();
  const std::string argument = verb.arguments().empty() ? "" : verb.arguments(0);
  if (name == "status") return status(reply);
  if (name == "level" && (argument == "on" || argument == "off")) return level(argument, reply);
  if (name == "accept" || name == "block") return accept(name == "accept", reply);
  if (name == "drain") return drain(argument == "undo", reply);
  if (name == "home") return all_home("asked for by hand", reply);
  if (name == "best") return best(argument == "explain", reply);
  if (name == "doctor") return doctor(reply);
  Answer answer;
  answer.set_status(Answer::STATUS_USAGE);
  answer.set_text("the agent of " + around_.config.name + " does not know the verb " + name +
                  ": is it of the same version?");
  reply.answer(answer);
}

// The others are told at once: what another node's llrunctl shows after this is true already.
void Verbs::turn(const Switches& switches, const std::string& what) {
  around_.switches.set(switches);
  around_.peers.send(around_.own_load());
  around_.log.add(what);
}

void Verbs::set(const Switches& switches, std::string what, const Reply& reply) {
  turn(switches, what);
  reply.done(std::move(what));
}

void Verbs::level(const std::string& argument, const Reply& reply) {
  auto switches = around_.switches.now();
  switches.levelling = argument == "on";
  set(switches,
      fmt::format("node {} {} in levelling", around_.config.name,
                  switches.levelling ? "takes part" : "takes no part"),
      reply);
}

void Verbs::accept(bool yes, const Reply& reply) {
  auto switches = around_.switches.now();
  switches.accepts = yes;
  const bool drains = yes && switches.draining;
  set(switches,
      fmt::format("node {} takes {}guests{}", around_.config.name, yes ? "" : "no ",
                  drains ? ", once it is no longer drained (llrunctl drain --undo)" : ""),
      reply);
}

void Verbs::drain(bool undo, const Reply& reply) {
  auto switches = around_.switches.now();
  const auto& name = around_.config.name;
  if (undo) {
    switches.draining = false;
    around_.drain.end();
    return set(switches, fmt::format("node {} is not drained any more", name), reply);
  }
  switches.draining = true;
  turn(switches, fmt::format("node {} is drained: guests are asked to leave", name));
  around_.drain.begin(fmt::format("node {} is drained", name), around_.config.drain,
                      [reply, name](const std::vector<std::string>& left) {
                        if (left.empty())
                          return reply.done(fmt::format("node {} has no guests any more", name));
                        std::string words = fmt::format(
                            "node {} takes no guests, and these have not left yet:", name);
                        for (const auto& guest : left) words += "\n  " + guest;
                        reply.refused(words);
                      });
}

void Verbs::all_home(const std::string& reason, const Reply& reply) {
  const auto gathering = Gathering::create(
      reply, [](int count, const std::string&) { return fmt::format("{} came home", count); });
  for (const auto* process : around_.processes.all()) {
    const auto& report = process->report;
    if (report.role() != ProcessReport::ROLE_HOME || report.where().empty()) continue;
    protocol::ControlMessage message;
    message.mutable_come_home()->set_pid(report.pid());
    message.mutable_come_home()->set_reason(reason);
    around_.processes.ask(*process, message,
                          [gathering, who = std::to_string(report.pid())](const auto& answer) {
                            if (answer.has_answer()) gathering->take(who, answer.answer());
                          });
  }
}

void Verbs::status(const Reply& reply) {
  int here = static_cast<int>(around_.waiters.count()), away = 0;
  for (const auto* process : around_.processes.all())
    if (process->report.role() == ProcessReport::ROLE_HOME)
      ++(process->report.where().empty() ? here : away);
  int reachable = 0, taking_part = around_.switches.now().levelling ? 1 : 0;
  for (const auto& [node, known] : around_.peers.known()) {
    reachable += known.load.reachable() ? 1 : 0;
    taking_part += known.load.reachable() && known.load.levelling() ? 1 : 0;
  }
  const auto nodes = around_.peers.known().size();
  const auto guests = around_.processes.guests();
  const auto& switches = around_.switches.now();
  const auto* door =
      switches.draining ? "drained" : (around_.own_load().accepts() ? "accepted" : "blocked");
  reply.done(
      fmt::format("agent {} runs as process {}: {} of its programs at home, {} away, {} guests; {} "
                  "of {} nodes reachable; levelling {}{}, guests {}; strategy {}",
                  around_.config.name, ::getpid(), here, away, guests, reachable, nodes,
                  switches.levelling ? "on" : "off",
                  switches.levelling && taking_part < 2 ? " (but no other node takes part)" : "",
                  door, around_.strategies.name()),
      fmt::format(
          R"({{"schema":1,"node":"{}","pid":{},"home":{},"away":{},"guests":{},"nodes":{},"reachable":{},)"
          R"("levelling":{},"taking_part":{},"accepts":{},"draining":{},"strategy":"{}"}})",
          around_.config.name, ::getpid(), here, away, guests, nodes, reachable, switches.levelling,
          taking_part, around_.own_load().accepts(), switches.draining, around_.strategies.name()));
}

void Verbs::best(bool explain, const Reply& reply) {
  const auto found = around_.best(explain);
  reply.done(found.text, found.json);
}

// By a program of its own: a world is tried, which takes time, and libraries that the agent does
// not need.
void Verbs::doctor(const Reply& reply) {
  const auto program = config::sibling_program("llrun-supervisor");
  if (!program) return reply.refused(program.error().message());
  errands_.run({*program, "doctor"}, [reply](const Errands::Outcome& outcome) {
    protocol::Row row;
    for (const auto& line : outcome.lines) {
      row.set_line(line);
      reply.row(row);
    }
    if (outcome.lines.empty()) return reply.refused("doctor: " + outcome.how);
    reply.done();
  });
}

// What lies between this node and another, from what their agents said to each other.
void Verbs::pair(const std::string& node, const Reply& reply) {
  const auto* hello = around_.peers.hello(node);
  const auto known = around_.peers.known().find(node);
  if (hello == nullptr || known == around_.peers.known().end() || !known->second.load.reachable()) {
    Answer answer;
    answer.set_status(Answer::STATUS_UNREACHABLE);
    answer.set_text(known == around_.peers.known().end()
                        ? "there is no node " + node + ": name it in [nodes] of llrun.conf"
                        : fmt::format("node {} cannot be reached: {}", node,
                                      known->second.load.unreachable_why()));
    return reply.answer(answer);
  }
  protocol::Row row;
  for (const auto& finding : doctor::examine_pair(*hello, known->second.load)) {
    row.set_line(doctor::json_of(finding));
    reply.row(row);
  }
  reply.done();
}

}  // namespace llrun::agent
