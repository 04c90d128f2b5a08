// Verbs: what is asked of this node as a whole, by `llrunctl` here or, over a link, on another
// node. Verbs that name another node are passed on to it.
#pragma once

#include <functional>
#include <string>

#include "supervisor/agent/drain.h"
#include "supervisor/agent/errand.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/experience.h"
#include "supervisor/agent/explanation.h"
#include "supervisor/agent/peers.h"
#include "supervisor/agent/processes.h"
#include "supervisor/agent/strategies.h"
#include "supervisor/agent/switches.h"
#include "supervisor/agent/waiters.h"
#include "supervisor/control/agent_client.h"

namespace llrun::agent {

class Verbs {
 public:
  struct Surroundings {
    EventLoop& loop;
    const config::Config& config;
    EventLog& log;
    Processes& processes;
    Waiters& waiters;
    Peers& peers;
    KeptSwitches& switches;
    Drain& drain;
    Strategies& strategies;
    Experience& experience;
    std::function<protocol::Load()> own_load;
    std::function<Explanation(bool explain)> best;  // the node where a program would run soonest
  };
  explicit Verbs(Surroundings around) : around_(std::move(around)) {}

  using Reply = control::Reply;
  // Of a client on this machine: node "" is this one, "*" all.
  void take(const protocol::AgentVerb& verb, const Reply& reply);
  // Of another node, about this one.
  void perform(const protocol::AgentVerb& verb, const Reply& reply);
  // Brings all programs of this node home.
  void all_home(const std::string& reason, const Reply& reply);

 private:
  void on_all_nodes(const protocol::AgentVerb& verb, const Reply& reply);
  void turn(const Switches& switches, const std::string& what);
  void set(const Switches& switches, std::string what, const Reply& reply);
  void level(const std::string& argument, const Reply& reply);
  void accept(bool yes, const Reply& reply);
  void drain(bool undo, const Reply& reply);
  void status(const Reply& reply);
  void best(bool explain, const Reply& reply);
  void doctor(const Reply& reply);
  void pair(const std::string& node, const Reply& reply);

  Surroundings around_;
  Errands errands_{around_.loop};
};

}  // namespace llrun::agent
