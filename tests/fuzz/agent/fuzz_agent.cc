// What another agent says, up to the decisions that follow from it: every strategy is asked, and
// what people and scripts are shown is written.
#include <sys/socket.h>

#include <cmath>
#include <csignal>

#include "base/bytes.h"
#include "policies/cost.h"
#include "policies/strategy/relief.h"
#include "policies/strategy/strategy.h"
#include "supervisor/agent/agent_link.h"
#include "supervisor/agent/explanation.h"
#include "supervisor/agent/heard.h"
#include "supervisor/agent/loads_file.h"
#include "supervisor/agent/views.h"
#include "supervisor/doctor/pair.h"
#include "supervisor/traits/traits.h"
#include "tests/fuzz/agent/seeds.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace llrun;
using fuzz::Counter;
using fuzz::Input;
using policies::ClusterView;
using policies::NodeView;
using policies::ProcessView;

Counter loads_heard("loads");
Counter moves("moves decided");
Counter placements("placements");
Counter admissions("admissions");
Counter visitors("visitors");
Counter nonsense("visitors with nonsense", true);
Counter fitting("traits compared");
Counter conversations("conversations");

void check_load(const protocol::Load& load) {
  for (const double value : {load.run_queue(), load.running(), load.speed(), load.capacity(),
                             load.pressure_memory(), load.clock_offset_ms()})
    LLRUN_CHECK(std::isfinite(value), "a load that cannot be reckoned with");
}

std::vector<ProcessView> some_processes() {
  std::vector<ProcessView> processes(3);
  for (std::size_t i = 0; i < processes.size(); ++i) {
    processes[i].id = 4711 + i;
    processes[i].cpu_s = processes[i].cpu_since_move_s = 10.0 * static_cast<double>(i + 1);
    processes[i].rss_bytes = processes[i].dirty_bytes = 50e6;
    processes[i].moves = static_cast<int>(i);
    processes[i].last_move_age_s = 100;
    processes[i].home_calls_per_s = 3;
  }
  processes[1].remaining_cpu_s = 100;
  return processes;
}

void ask(policies::Strategy& strategy, const ClusterView& view) {
  const auto processes = some_processes();
  for (const auto& decision : strategy.decide(view, processes)) {
    LLRUN_CHECK(!decision.peer || *decision.peer < view.peers.size(), "a peer that there is");
    for (const std::size_t also : decision.also)
      LLRUN_CHECK(also < view.peers.size(), "another peer that there is");
    if (decision.peer) ++moves;
    fuzz::touch(agent::explanation_text(processes[0], decision, view, ""));
    fuzz::touch(agent::explanation_json(processes[0], decision, view, ""));
  }
  policies::ExecView exec;
  exec.rss_bytes = 50e6;
  const auto placement = strategy.place(view, exec);
  LLRUN_CHECK(!placement.peer || *placement.peer < view.peers.size(), "a peer that there is");
  if (placement.peer) ++placements;
  if (strategy.admit(view.self, {2, 50e6, false, 3, 10}).welcome) ++admissions;
}

void decide(const std::vector<NodeView>& nodes) {
  ClusterView view;
  view.self = nodes[0];
  view.peers = std::span(nodes).subspan(1);
  for (const bool explain : {false, true}) {
    view.explain = explain;
    for (const auto& info : policies::builtin_strategies())
      ask(**policies::make_strategy(info.name), view);
  }
  fuzz::touch(agent::best_text(view, true) + agent::best_json(view));
  const auto processes = some_processes();
  const auto left = policies::relieve(view, processes, policies::memory_shortage(view.self, 50));
  LLRUN_CHECK(!left || !left->peer || *left->peer < view.peers.size(), "a peer that there is");
}

void read_loads(Input& input) {
  std::vector<NodeView> nodes;
  std::vector<protocol::Load> heard;
  while (!input.empty() && nodes.size() < 6) {
    protocol::AgentMessage message;
    const auto bytes = input.piece();
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
    auto load = agent::heard_load(message.load(), ClockEstimate{0, 0, -300'000, 1000});
    check_load(load);
    load.set_reachable(true);
    nodes.push_back(agent::view_of(load, static_cast<double>(nodes.size())));
    heard.push_back(std::move(load));
    ++loads_heard;
  }
  fuzz::touch(agent::loads_text(heard));
  if (!nodes.empty()) decide(nodes);
}

void read_hello(std::string_view bytes) {
  protocol::Hello hello;
  if (!hello.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const bool sound = agent::nonsense_in(hello).empty() && agent::nonsense_in(hello.offer()).empty();
  ++(sound ? visitors : nonsense);
  static const auto own = local_traits();
  for (const auto& comparison :
       compare(own, hello.traits(), ClockEstimate{0, 0, 2'000'000'000, 1000}))
    fuzz::touch(comparison.refusal.value_or(""));
  (void)why_not(hello.traits(), own);
  ++fitting;
  auto load = agent::heard_load(
      {}, ClockEstimate{0, 0, static_cast<std::int64_t>(hello.memory_bytes() / 2), 300});
  for (const auto& finding : doctor::examine_pair(hello, load))
    fuzz::touch(doctor::json_of(finding));
}

// Through a socket: the link of two agents, of which the other has opened the channel.
void converse(std::string_view bytes) {
  auto loop = EventLoop::create();
  auto ends = make_socketpair(SOCK_STREAM);
  LLRUN_CHECK(loop && ends, "a loop");
  (void)::send(ends->second.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(ends->second.get(), SHUT_WR);
  auto copy = ends->first.duplicate();
  LLRUN_CHECK(copy, "a socket");
  agent::AgentLink::Handlers handlers;
  handlers.hello = [](const auto&) {};
  handlers.load = [](const protocol::Load& load, double) { check_load(load); };
  handlers.closed = [&](const std::string& why) {
    fuzz::touch(why);
    (*loop)->stop();
  };
  handlers.verb = [](const protocol::AgentVerb& verb, const control::Reply& reply) {
    reply.done(verb.verb());
  };
  auto link = agent::AgentLink::open(**loop, {std::move(ends->first), std::move(*copy), Fd()},
                                     std::move(handlers));
  LLRUN_CHECK(link, "a link");
  protocol::AgentVerb question;
  question.set_verb("status");
  (*link)->ask(question, control::Reply([](const protocol::ControlMessage&) {}));
  (*loop)->run();
  ++conversations;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const auto no_sigpipe = ::signal(SIGPIPE, SIG_IGN);
  Input input(data, std::min<std::size_t>(size, 100'000));
  const auto kind = input.byte();
  // A conversation costs threads and sockets: one in so many of the kinds there are.
  if (kind == fuzz::kStream)
    converse(input.rest());
  else if (kind % 4 == fuzz::kHello)
    read_hello(input.rest());
  else
    read_loads(input);
  return 0;
}
