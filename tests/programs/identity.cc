// Who the program is: its ids and its parent's, its user, its names in /proc, its host, its
// arguments.
#include <signal.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/programs/steps.h"

namespace {

std::string link_of(const char* path) {
  char target[4096] = "";
  return ::readlink(path, target, sizeof target - 1) < 0 ? "" : target;
}

std::string line_of_status(const char* field) {
  const std::string status = steps::slurp("/proc/self/status");
  const auto start = status.find(std::string("\n") + field + ":");
  return start == std::string::npos
             ? ""
             : status.substr(start + 1, status.find('\n', start + 1) - start - 1);
}

// As the program asks for them; /proc/self/status shows those of the world (docs/limits.md).
std::string groups() {
  gid_t ids[256];
  std::string text;
  for (int at = 0, count = ::getgroups(256, ids); at < count; ++at)
    text += std::to_string(ids[at]) + " ";
  return text;
}

// Everything that must be the same for ever, each with its name.
std::vector<std::pair<const char*, std::string>> facts() {
  utsname system{};
  ::uname(&system);
  char host[256] = "";
  ::gethostname(host, sizeof host);
  const auto id = [](long value) { return std::to_string(value); };
  const char* random = reinterpret_cast<const char*>(::getauxval(AT_RANDOM));
  return {
      {"getpid", id(::getpid())},
      {"gettid", id(::gettid())},
      {"getppid", id(::getppid())},
      {"getsid", id(::getsid(0))},
      {"getpgrp", id(::getpgrp())},
      {"getuid", id(::getuid()) + " " + id(::geteuid())},
      {"getgid", id(::getgid()) + " " + id(::getegid())},
      {"host name", host},
      {"uname", std::string(system.nodename) + " " + system.sysname + " " + system.machine},
      {"environ", steps::slurp("/proc/self/environ")},
      {"cmdline", steps::slurp("/proc/self/cmdline")},
      {"comm", steps::slurp("/proc/self/comm")},
      {"exe", link_of("/proc/self/exe")},
      {"cwd", link_of("/proc/self/cwd")},
      {"/proc/self", link_of("/proc/self")},
      {"Pid", line_of_status("Pid")},
      {"PPid", line_of_status("PPid")},
      {"Uid", line_of_status("Uid")},
      {"getgroups", groups()},
      {"AT_RANDOM", std::string(random, 16)},
      {"a variable",
       std::getenv("LLRUN_TEST_VARIABLE") == nullptr ? "" : std::getenv("LLRUN_TEST_VARIABLE")}};
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  const auto then = facts();
  while (steps::next()) {
    steps::work(10);
    const auto now = facts();
    for (std::size_t at = 0; at < then.size(); ++at)
      steps::check(then[at] == now[at], "%s was %.100s and is %.100s", then[at].first,
                   then[at].second.c_str(), now[at].second.c_str());
    steps::check(::getpid() == std::atoi(link_of("/proc/self").c_str()), "/proc/self is %s",
                 link_of("/proc/self").c_str());
    steps::check(::access(("/proc/self/task/" + std::to_string(::gettid())).c_str(), F_OK) == 0,
                 "/proc/self/task");
    steps::check(::kill(::getppid(), 0) == 0 || ::getppid() == 1, "the parent is not there");
  }
  return steps::finish();
}
