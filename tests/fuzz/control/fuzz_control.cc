// Packets on the agent's control socket: through a socket into the agent's table of processes, and
// what llrunctl makes of rows.
#include <sys/socket.h>

#include <csignal>

#include "base/bytes.h"
#include "policies/strategy/strategy.h"
#include "supervisor/agent/crowd.h"
#include "supervisor/agent/explanation.h"
#include "supervisor/agent/processes.h"
#include "supervisor/agent/views.h"
#include "tests/fuzz/fuzz.h"
#include "tools/ctl/json.h"
#include "tools/ctl/table.h"

namespace {

using namespace llrun;
using fuzz::Counter;
using fuzz::Input;
using protocol::ControlMessage;

Counter packets("packets");
Counter closed("connections closed");
Counter of_supervisors("messages of supervisors");
Counter of_others("other messages");
Counter answers("answers");
Counter rows("rows shown");

void show(const protocol::Row& row) {
  if (row.has_process()) {
    const auto& report = row.process();
    fuzz::touch(ctl::json_of(report));
    fuzz::touch(ctl::human_time(report.age_ms()) + ctl::human_size(report.resident_bytes()));
  } else if (row.has_load()) {
    fuzz::touch(ctl::json_of(row.load(), true));
    fuzz::touch(ctl::number(row.load().run_queue()) + ctl::number(row.load().bandwidth(), 0));
  } else if (row.has_pin()) {
    fuzz::touch(ctl::json_of(row.pin(), 4711));
  } else {
    fuzz::touch(ctl::json_of_line(row.line()));
  }
  ++rows;
}

// What a strategy and a person are told of the processes.
void decide(const agent::Processes& processes) {
  policies::ClusterView view;
  view.self.name = "home";
  view.self.run_queue = 9;
  std::vector<policies::NodeView> peers(1);
  peers[0].name = "b";
  view.peers = peers;
  view.explain = true;
  view.self.census = agent::census_of(processes.all(), 3, 2);
  std::vector<policies::ProcessView> views;
  for (const auto* process : processes.all())
    views.push_back(agent::view_of(process->report, policies::NodeView{}));
  for (const char* name : {"lifetime", "mosix", "hindrance", "opportunity"}) {
    const auto strategy = policies::make_strategy(name);
    if (!strategy || views.empty()) continue;
    for (const auto& decision : (*strategy)->decide(view, views))
      fuzz::touch(agent::explanation_json(views[0], decision, view, ""));
  }
}

// An agent with one supervisor, which it has asked one thing.
struct Agent {
  Agent()
      : loop(std::move(*EventLoop::create())),
        log("/dev/null", "agent"),
        processes(log),
        ends(*make_socketpair(SOCK_SEQPACKET)),
        connection(*control::Connection::create(*loop, std::move(ends.first))) {
    connection->listen([this](ControlMessage message, std::vector<Fd>) { take(message); },
                       [this](const std::string&) {
                         ++closed;
                         processes.gone(connection.get());
                         loop->stop();
                       });
  }
  void take(const ControlMessage& message) {
    ++packets;
    if (message.has_row()) show(message.row());
    ++(processes.take(connection, message) ? of_supervisors : of_others);
    if (const auto* process = processes.home(4711); process != nullptr && !asked) {
      asked = true;
      processes.ask(*process, {}, [](const ControlMessage&) { ++answers; });
    }
  }

  std::unique_ptr<EventLoop> loop;
  agent::EventLog log;
  agent::Processes processes;
  FdPair ends;
  std::shared_ptr<control::Connection> connection;
  bool asked = false;
};

}  // namespace

// Pieces, each a packet; the end of the socket follows.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const auto no_sigpipe = ::signal(SIGPIPE, SIG_IGN);
  Input input(data, std::min<std::size_t>(size, 100'000));
  Agent agent;
  while (!input.empty()) {
    const auto packet = input.piece();
    if (packet.empty()) continue;
    (void)::send(agent.ends.second.get(), packet.data(), packet.size(),
                 MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  ::shutdown(agent.ends.second.get(), SHUT_WR);
  // Before the end of the socket is seen, which forgets the processes.
  agent.loop->after(std::chrono::seconds(0), [&] { decide(agent.processes); });
  agent.loop->run();
  return 0;
}

std::vector<std::string> llrun::fuzz::seeds() {
  ControlMessage first;
  auto& report = *first.mutable_register_supervisor()->mutable_first();
  report.set_pid(4711);
  report.set_program("povray");
  report.set_command("povray scene.pov");
  report.set_cpu_ms(60'000);
  report.set_cpu_rate(1);
  report.set_resident_bytes(100 << 20);
  report.set_state("home");
  report.set_eligible(true);
  report.add_pins()->set_what("fd 7 is a socket");
  report.set_job("job");
  ControlMessage again;
  *again.mutable_report() = report;
  ControlMessage event;
  event.mutable_event()->set_pid(4711);
  event.mutable_event()->set_text("it goes to b");
  ControlMessage row;
  row.set_id(1);
  *row.mutable_row()->mutable_process() = report;
  ControlMessage load;
  load.mutable_row()->mutable_load()->set_node("b");
  ControlMessage pin;
  *pin.mutable_row()->mutable_pin() = report.pins(0);
  ControlMessage line;
  line.mutable_row()->set_line("a line");
  ControlMessage answer;
  answer.set_id(1);
  answer.mutable_answer()->set_text("done");
  ControlMessage migrate;
  migrate.mutable_migrate()->set_pid(4711);
  ControlMessage finished;
  finished.mutable_finished()->set_pid(4711);
  std::string all;
  std::vector<std::string> seeds;
  for (const auto* message :
       {&first, &again, &event, &row, &load, &pin, &line, &answer, &migrate, &finished}) {
    const auto packet = piece(message->SerializeAsString());
    all += packet;
    seeds.push_back(piece(first.SerializeAsString()) + packet);
  }
  seeds.push_back(all);
  return seeds;
}
