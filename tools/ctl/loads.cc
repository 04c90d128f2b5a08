#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "tools/ctl/json.h"
#include "tools/ctl/table.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

constexpr const char* kClearScreen = "\033[H\033[2J";

std::vector<std::string> cells(const protocol::Load& load) {
  const auto name = load.node() + (load.levelling() || !load.reachable() ? "" : " *");
  if (!load.reachable()) return {name, "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"};
  const auto pressure = [](double percent) { return percent < 0 ? "-" : number(percent, 0) + "%"; };
  return {name,
          number(load.run_queue()),
          number(load.capacity(), 1),
          number(load.speed()),
          number(load.cpu_idle()),
          human_size(load.free_memory_bytes()),
          pressure(load.pressure_cpu()),
          pressure(load.pressure_memory()),
          number(load.disk_io_rate(), 1),
          std::to_string(load.users()),
          std::to_string(load.guests()),
          load.rtt_us() > 0 ? number(load.rtt_us() / 1000) : "-",
          load.bandwidth() > 0 ? number(load.bandwidth(), 0) : "-"};
}

int show(Session& session) {
  protocol::ControlMessage question;
  question.mutable_list_nodes();
  Table table({"NODE", ">LOAD", ">CORES", ">SPEED", ">IDLE", ">FREE", ">CPU-WAIT", ">MEM-WAIT",
               ">DISK MiB/s", ">USERS", ">GUESTS", ">RTT ms", ">LINK MiB/s"});
  bool self = true;
  const int status = session.ask(question, [&](const protocol::Row& row) {
    if (session.json) {
      std::puts(json_of(row.load(), self).c_str());
    } else {
      table.add(cells(row.load()));
    }
    self = false;
  });
  if (status == kDone && !session.json) table.print();
  return status;
}

int run(Session& session, const std::vector<std::string>&) {
  if (!session.flags.contains("watch")) return show(session);
  const bool screen = ::isatty(STDOUT_FILENO) == 1 && !session.json;
  for (;;) {
    if (screen) std::fputs(kClearScreen, stdout);
    if (const int status = show(session); status != kDone) return status;
    if (std::fflush(stdout) != 0) return kDone;  // nobody reads any more
    const timespec second{1, 0};
    ::nanosleep(&second, nullptr);
  }
}

}  // namespace

const Verb kLoads{
    "loads", "[--watch]", "the load of each node; * where levelling is off", "watch", 0, 0, run};

}  // namespace llrun::ctl
