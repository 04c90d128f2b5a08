#include "supervisor/home/children.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include "tracer/procfs/directory.h"
#include "tracer/remote/remote_fd.h"

namespace llrun {

std::chrono::milliseconds process_age(HostPid pid) {
  const auto text = read_whole_file(fmt::format("/proc/{}/stat", pid.value));
  if (!text) return {};
  // The name may hold blanks and parentheses: count from behind its end.
  std::istringstream fields(text->substr(text->rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t started_ticks = 0;
  fields >> started_ticks;
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const std::int64_t now_ms = now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
  const auto started_ms = static_cast<std::int64_t>(
      started_ticks * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
  return std::chrono::milliseconds(std::max<std::int64_t>(now_ms - started_ms, 0));
}

std::vector<HostPid> long_lived_children(HostPid parent, std::chrono::milliseconds age) {
  std::vector<HostPid> old;
  if (const auto children = tracer::list_children(parent))
    for (const HostPid child : *children)
      if (process_age(child) >= age) old.push_back(child);
  return old;
}

Result<> supervise_child(HostPid child, const HomeOptions& options, bool by_list) {
  LLRUN_TRY_ASSIGN(const Fd pidfd, tracer::open_pidfd(child));
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
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t between = ::fork();
  if (between < 0) return system_error("start a supervisor for a child");
  if (between == 0) {
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    ::fcntl(pidfd.get(), F_SETFD, 0);
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(125);
  }
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace llrun
