// llrund: the node agent.
#include "tools/llrund.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "base/event_loop.h"
#include "base/log.h"
#include "base/tree_mark.h"
#include "supervisor/agent/agent.h"
#include "supervisor/config/config.h"
#include "supervisor/config/paths.h"
#include "supervisor/protocol/complaints.h"

namespace llrun::daemon {
namespace {

namespace po = boost::program_options;

constexpr char kHelp[] =
    R"(The agent of a node: knows the programs under llrun here, the other nodes, and decides.
It is started when somebody needs it; there is seldom a reason to start it by hand.

  llrund -v                   run it here, and say what happens
  llrund --stdio              carry a channel: what [nodes] of llrun.conf runs on the other node
  llrund --stdio --name b     the same for the second node, b, on one machine

Usage: llrund [OPTION]…
)";

struct Settings {
  bool stdio = false;
  bool background = false;
  bool verbose = false;
  Fd ready_fd;
  config::Config config;
};

po::options_description options() {
  po::options_description all("Options");
  all.add_options()("name", po::value<std::string>(),
                    "name of this node (default: name in llrun.conf, host name)")(
      "stdio", "stdin and stdout are a channel: hand them to the agent")(
      "background", "return when the agent listens")("ready-fd", po::value<int>(),
                                                     "descriptor to tell how the start went")(
      "verbose,v", "write the log to standard error too")("help", "show this")("version",
                                                                               "show the version");
  return all;
}

Result<po::variables_map> parse(int argc, char** argv) {
  po::variables_map values;
  const auto described = options();  // the parsed ones point into it
  try {
    const auto parsed = po::command_line_parser(argc, argv).options(described).positional({}).run();
    po::store(parsed, values);
    po::notify(values);
  } catch (const po::error& problem) {
    return failure(ErrorCode::kInvalid, problem.what());
  }
  return values;
}

Result<Settings> settle(const po::variables_map& values) {
  Settings settings;
  config::Options overrides;
  if (values.contains("name")) overrides.emplace_back("name", values["name"].as<std::string>());
  if (values.contains("ready-fd")) settings.ready_fd = Fd(values["ready-fd"].as<int>());
  settings.stdio = values.contains("stdio");
  settings.background = values.contains("background");
  settings.verbose = values.contains("verbose");
  auto config = config::load(overrides);
  if (!config) {
    tell_starter(std::move(settings.ready_fd), std::unexpected(config.error()));
    return std::unexpected(config.error());
  }
  settings.config = std::move(*config);
  return settings;
}

Result<agent::AgentPlaces> places(const std::string& node) {
  agent::AgentPlaces found;
  LLRUN_TRY_ASSIGN(found.state_directory, config::state_directory());
  LLRUN_TRY_ASSIGN(found.supervisor_program, config::sibling_program("llrun-supervisor"));
  found.costs_file = found.state_directory + "/costs-" + node;
  return found;
}

// Blocked here and read by the loop. Children get the default mask back by posix_spawn's
// attributes.
Result<Fd> termination_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT}) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // the limit is that of whoever has started it (setrlimit(2))
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return system_error("watch for signals");
  return fd;
}

agent::Agent* told = nullptr;  // who logs what libprotobuf says

Result<> run_agent(Settings& settings) {
  LLRUN_TRY_ASSIGN(const auto where, places(settings.config.name));
  LLRUN_TRY_ASSIGN(const Fd signals, termination_signals());
  LLRUN_TRY_ASSIGN(const auto loop, EventLoop::create());
  LLRUN_TRY_ASSIGN(const auto agent, agent::Agent::create(*loop, settings.config, where));
  told = agent.get();
  protobuf_complains_to([](const std::string& words) { told->note(words); });
  if (settings.verbose) agent->log_to_stderr();
  config::forget_stopped(settings.config.name);
  LLRUN_TRY(loop->watch(signals.get(), EPOLLIN, [&](std::uint32_t) {
    signalfd_siginfo info;
    if (::read(signals.get(), &info, sizeof info) != sizeof info) return;
    agent->stop([&] {
      config::remember_stopped(settings.config.name);
      loop->stop();
    });
  }));
  tell_starter(std::move(settings.ready_fd), {});
  loop->run();
  protobuf_complains_to(nullptr);
  return {};
}

int fail(const Error& error) {
  std::fprintf(stderr, "llrund: %s\n", error.message().c_str());
  return error.code == ErrorCode::kInvalid ? 2 : 1;
}

int main(int argc, char** argv) {
  tree_mark::clear_own();
  const auto values = parse(argc, argv);
  if (!values) return fail(values.error());
  if (values->contains("help")) return std::cout << kHelp << '\n' << options(), 0;
  if (values->contains("version")) return std::puts("llrund " LLRUN_VERSION), 0;
  auto settings = settle(*values);
  if (!settings) return fail(settings.error());
  // Tests have no suspend (docs/protocol.md, "Holding a step").
  if (const auto state = config::state_directory()) pretend_sleeps(*state + "/hold/slept");
  if (settings->stdio) return serve_stdio(settings->config.name);
  if (settings->background)
    if (const auto gone = go_to_background(); !gone) return fail(gone.error());
  const auto outcome = run_agent(*settings);
  if (outcome) return 0;
  tell_starter(std::move(settings->ready_fd), outcome);
  return fail(outcome.error());
}

}  // namespace
}  // namespace llrun::daemon

int main(int argc, char** argv) { return llrun::daemon::main(argc, argv); }
