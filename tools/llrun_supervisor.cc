// llrun-supervisor: cares for one program, at home or for a guest. Started by llrun and llrund, not
// by people.
//
//   llrun-supervisor home  --pid N --pidfd FD [--launched] [--node NAME] [--after MS] [--max-io
//   MIB]
//                          [--stay] [--by-list] [--verbose-fd FD [--until-attached]] [--json]
//                          [--claim-fd FD]
//   llrun-supervisor guest --in FD --out FD --lifeline FD --hello-fd FD [--nice N] [--cores N]
//   [--processes N]
//                          [--group CGROUP.PROCS]…
//   llrun-supervisor probe     whether guests can be had here
//   llrun-supervisor doctor    what this node offers
#include "tools/llrun_supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/log.h"
#include "base/slow_tasks.h"
#include "base/tree_mark.h"
#include "supervisor/config/config.h"
#include "supervisor/config/paths.h"
#include "supervisor/guest/guest_job.h"
#include "supervisor/guest/restraint.h"
#include "supervisor/holding/origin.h"
#include "supervisor/home/home_job.h"
#include "supervisor/home/view_terms.h"
#include "supervisor/protocol/complaints.h"

namespace llrun {
namespace {

namespace po = boost::program_options;

int complain(const Error& error) {
  log::error("{}", error.message());
  std::fprintf(stderr, "llrun: %s\n", error.message().c_str());
  return 125;
}

Result<> open_log(const std::string& role) {
  LLRUN_TRY_ASSIGN(const std::string directory, config::state_directory());
  LLRUN_TRY(log::open({role, directory + "/log", false}));
  // Nothing in the product makes this file: a test does (docs/testing.md).
  if (::access((directory + "/name-slow-tasks").c_str(), F_OK) == 0) SlowTasks::name_them();
  return {};
}

// What the options leave open is settled by the configuration.
Result<HomeOptions> home_options(const po::variables_map& given) {
  LLRUN_TRY_ASSIGN(const config::Config configured, config::load());
  HomeOptions options;
  options.pid = HostPid{given["pid"].as<int>()};
  options.pidfd = Fd(given["pidfd"].as<int>());
  if (given.contains("claim-fd")) options.claim = Fd(given["claim-fd"].as<int>());
  options.marked_anyway = tree_mark::read(::getpid()) != 0;
  tree_mark::clear_own();
  options.launched = given.contains("launched");
  options.only_node = given["node"].as<std::string>();
  options.after_given = given.contains("after");
  options.after =
      options.after_given ? std::chrono::milliseconds(given["after"].as<long>()) : configured.after;
  options.max_io = given.contains("max-io") ? given["max-io"].as<double>() : configured.max_io;
  options.stay = given.contains("stay");
  options.verbose = given.contains("verbose-fd");
  options.json = given.contains("json");
  options.by_list = given.contains("by-list");
  options.level_list = configured.level_list;
  options.lease = configured.lease;
  options.confirm = configured.confirm;
  options.rest = configured.rest;
  options.lost_after = configured.lost_after;
  options.kept_from = [configured](const std::string& node) {
    return rules_of(configured.kept_from(node));
  };
  return options;
}

void pretend_as_tests_say() {
  if (const auto state = config::state_directory()) pretend_sleeps(*state + "/hold/slept");
}

void be_silent() {
  const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (null.valid()) ::dup2(null.get(), STDERR_FILENO);
}

// What `llrun -p` waits for. It listens on only where it was asked to tell what happens.
void say_attached(bool last_word) {
  std::fputs("\n", stderr);
  if (last_word) be_silent();
}

// Whoever watches our beginning, by our standard error, has seen it (tools/llrun_beginning.h).
void say_begun(Fd watcher) {
  const char begun = 0;
  std::ignore = ::write(watcher.get(), &begun, 1);
}

int run_home(const po::variables_map& given) {
  auto watcher = Fd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  // Nobody who is started from here may keep any of these.
  ::syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (given.contains("verbose-fd")) {
    const Fd verbose(given["verbose-fd"].as<int>());
    ::dup2(verbose.get(), STDERR_FILENO);
  }
  const std::string role = fmt::format("home {}", given["pid"].as<int>());
  if (auto opened = open_log(role); !opened) return complain(opened.error());
  auto options = home_options(given);
  if (!options) return complain(options.error());
  auto job = HomeJob::create(std::move(*options));
  if (!job) return complain(job.error());
  say_begun(std::move(watcher));
  if (!given.contains("verbose-fd")) be_silent();
  if (given.contains("verbose-fd") && !given.contains("launched"))
    say_attached(given.contains("until-attached"));
  return (*job)->run();
}

int run_guest(const po::variables_map& given) {
  GuestOptions options;
  options.in = Fd(given["in"].as<int>());
  options.out = Fd(given["out"].as<int>());
  options.lifeline = Fd(given["lifeline"].as<int>());
  const auto hello = read_whole_file(fmt::format("/proc/self/fd/{}", given["hello-fd"].as<int>()));
  if (!hello || !options.hello.ParseFromString(*hello))
    return complain({ErrorCode::kProtocol, 0, "the hello that was handed over cannot be read"});
  if (auto opened = open_log("guest " + options.hello.job()); !opened)
    return complain(opened.error());
  auto configured = config::load();
  if (!configured) return complain(configured.error());
  options.abandon = configured->abandon;
  options.origin = holding::own_origin(configured->name);
  if (given.contains("processes"))
    options.most_threads = static_cast<std::size_t>(std::max(0, given["processes"].as<int>()));
  Restraint restraint;
  if (given.contains("nice")) restraint.nice = given["nice"].as<int>();
  if (given.contains("cores")) restraint.cores = given["cores"].as<int>();
  if (given.contains("group")) restraint.groups = given["group"].as<std::vector<std::string>>();
  take_on(restraint);
  auto job = GuestJob::create(std::move(options));
  if (!job) return complain(job.error());
  return (*job)->run();
}

po::options_description known_options() {
  po::options_description known;
  auto add = known.add_options();
  for (const char* number : {"pid", "pidfd", "verbose-fd", "in", "out", "lifeline", "hello-fd",
                             "nice", "cores", "processes", "claim-fd"})
    add(number, po::value<int>());
  add("launched", "")("stay", "")("by-list", "")("json", "")("until-attached", "");
  add("job", po::value<std::string>());  // by which others find it: see supervisor/holding/search.h
  add("group", po::value<std::vector<std::string>>());
  add("node", po::value<std::string>()->default_value(""));
  add("after", po::value<long>())("max-io", po::value<double>());
  return known;
}

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  // By which it is found (supervisor/holding/search.cc): one that was started through
  // /proc/self/exe is called "exe" (fs/exec.c, begin_new_exec).
  ::prctl(PR_SET_NAME, "llrun-supervisor");
  protobuf_complains_to([](const std::string& words) { log::warn("{}", words); });
  pretend_as_tests_say();
  if (role == "probe") return run_probe();
  if (role == "doctor") return run_doctor();
  try {
    po::variables_map given;
    po::store(po::parse_command_line(argc - 1, argv + 1, known_options()), given);
    if (role == "home" && given.contains("pid") && given.contains("pidfd")) return run_home(given);
    if (role == "guest" && given.contains("in") && given.contains("out") &&
        given.contains("lifeline") && given.contains("hello-fd"))
      return run_guest(given);
  } catch (const po::error& problem) {
    return complain({ErrorCode::kInvalid, 0, problem.what()});
  }
  return complain({ErrorCode::kInvalid, 0, "llrun-supervisor is started by llrun and llrund"});
}

}  // namespace
}  // namespace llrun

int main(int argc, char** argv) { return llrun::main(argc, argv); }
