#include <cstdio>

#include "tools/ctl/json.h"
#include "tools/ctl/table.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

std::string state_of(const protocol::Load& load) {
  if (!load.reachable()) return "unreachable: " + load.unreachable_why();
  std::string state =
      load.accepts() ? "accepts guests" : "takes no guests: " + load.accepts_why_not();
  if (!load.levelling()) state += ", levelling off";
  return state;
}

std::vector<std::string> cells(const protocol::Load& load, bool self) {
  const auto name = load.node() + (self ? " (here)" : "");
  if (!load.reachable()) return {name, "", "", "", "", "", state_of(load)};
  return {name,
          number(load.capacity(), 1),
          number(load.speed()),
          number(load.cpu_idle(), 1),
          human_size(load.free_memory_bytes()),
          std::to_string(load.guests()),
          state_of(load)};
}

int run(Session& session, const std::vector<std::string>&) {
  protocol::ControlMessage question;
  question.mutable_list_nodes();
  Table table({"NODE", ">CORES", ">SPEED", ">IDLE", ">FREE", ">GUESTS", "STATE"});
  bool self = true;  // the first row is the agent's own
  const int status = session.ask(question, [&](const protocol::Row& row) {
    if (session.json) {
      std::puts(json_of(row.load(), self).c_str());
    } else {
      table.add(cells(row.load(), self));
    }
    self = false;
  });
  if (status == kDone && !session.json) table.print();
  return status;
}

}  // namespace

const Verb kNodes{"nodes", "", "the nodes, and whether they can be reached", "", 0, 0, run};

}  // namespace llrun::ctl
