#include "supervisor/home/children.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/claim.h"
#include "base/log.h"
#include "base/tree_mark.h"
#include "tracer/procfs/directory.h"
#include "tracer/remote/remote_fd.h"

namespace llrun {
namespace {

// What has come away from the program is looked for among all processes, which costs more than to
// look at its children.
constexpr int kLooksForAStray = 4;
// What it made in its last moments is old enough by then, whichever way it has gone.
constexpr int kLooksAtTheIdle = 2 * kLooksForAStray;
// Whoever makes short-lived processes without end is not waited for when the program has ended.
constexpr int kLastLooks = 240;

// Started with the claim on the child, which then is the supervisor's; it is nobody's child.
Result<> supervise_child(HostPid child, const HomeOptions& options, bool by_list) {
  LLRUN_TRY_ASSIGN(const Fd pidfd, tracer::open_pidfd(child));
  const auto taken = claim::take(child.value);
  const Fd claimed(taken.fd);
  if (taken.held()) return {};  // by an llrun that the child was started with, say
  std::vector<std::string> words{"llrun-supervisor",
                                 "home",
                                 "--pid",
                                 std::to_string(child.value),
                                 "--pidfd",
                                 std::to_string(pidfd.get()),
                                 "--max-io",
                                 fmt::format("{}", options.max_io)};
  if (options.after_given)
    words.insert(words.end(), {"--after", std::to_string(options.after.count())});
  if (!options.only_node.empty()) words.insert(words.end(), {"--node", options.only_node});
  if (options.stay) words.emplace_back("--stay");
  if (by_list) words.emplace_back("--by-list");
  if (claimed.valid()) words.insert(words.end(), {"--claim-fd", std::to_string(claimed.get())});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t between = ::fork();
  if (between < 0) return system_error("start a supervisor for a child");
  if (between == 0) {
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    // What this supervisor talks to must not wait for the child's end as well.
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
    ::syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    ::fcntl(pidfd.get(), F_SETFD, 0);
    if (claimed.valid()) ::fcntl(claimed.get(), F_SETFD, 0);
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(125);
  }
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace

Children::Children(const HomeOptions& options)
    : options_(options), strays_(options.pid, options.stay, options.marked_anyway) {
  tree_mark::write(options.pid.value,
                   tree_mark::kUnderLlrun | (options.stay ? tree_mark::kStays : 0));
}

void Children::supervise(HostPid child, bool by_list, std::vector<std::string>& complaints) {
  if (auto started = supervise_child(child, options_, by_list); !started)
    complaints.push_back(started.error().message());
}

std::vector<std::string> Children::look(bool ran, bool by_list) {
  if (ran) looks_left_ = kLooksAtTheIdle;
  if (looks_left_ == 0) return {};
  std::vector<std::string> complaints;
  bool some_are_young = strays_.some_are_young();
  // Only those that are there: process ids are given again.
  std::set<int> known;
  for (const HostPid child : tracer::list_children(options_.pid).value_or(std::vector<HostPid>{})) {
    const bool young = process_age(child) < Strays::kOwn;
    some_are_young = some_are_young || young;
    if (young) continue;
    if (!known_.contains(child.value)) supervise(child, by_list, complaints);
    known.insert(child.value);
  }
  known_ = std::move(known);
  if (++looks_ % kLooksForAStray == 0)
    for (const HostPid stray : strays_.look()) supervise(stray, by_list, complaints);
  if (!some_are_young) --looks_left_;
  return complaints;
}

bool Children::look_after_the_end(bool by_list) {
  strays_.program_has_ended();
  std::vector<std::string> complaints;
  for (const HostPid stray : strays_.look()) supervise(stray, by_list, complaints);
  for (const auto& complaint : complaints) log::warn("{}", complaint);
  return strays_.some_are_young() && ++last_looks_ < kLastLooks;
}

}  // namespace llrun
