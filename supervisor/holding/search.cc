#include "supervisor/holding/search.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include "base/fd.h"

namespace llrun::holding {
namespace {

using protocol::Holding;

// As the kernel keeps it: fifteen bytes.
constexpr const char* kSupervisor = "llrun-superviso";
constexpr const char* kInit = "llrun-init";
constexpr const char* kOurs = "llrun-";

bool has_gone(const Error& error) {
  return error.errno_value == ENOENT || error.errno_value == ESRCH;
}

std::string field(const std::string& status, const std::string& key) {
  const auto at = status.find("\n" + key + ":\t");
  if (at == std::string::npos) return "";
  const auto begin = at + key.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

std::vector<std::string> words_of(const std::string& command_line) {
  std::vector<std::string> words;
  std::istringstream stream(command_line);
  for (std::string word; std::getline(stream, word, '\0');) words.push_back(word);
  return words;
}

// The options of the /proc that is seen here: the last one that was mounted there.
std::string proc_options(const std::string& mountinfo) {
  std::string options;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    const auto separator = line.find(" - ");
    if (separator == std::string::npos || line.find(" /proc ") > separator) continue;
    options = line.substr(separator + 3);
  }
  return options;
}

// All of this user's processes in this pid namespace are to be seen, or it is said why not.
Result<> check_sight() {
  const auto self = read_link("/proc/self");
  if (!self || *self != std::to_string(::getpid()))
    return failure(ErrorCode::kUnsupported, "/proc shows the processes of another pid namespace");
  LLRUN_TRY_ASSIGN(const auto mounts, read_whole_file("/proc/self/mountinfo"));
  const auto options = proc_options(mounts);
  if (!options.starts_with("proc "))
    return failure(ErrorCode::kUnsupported, "/proc is not what it should be");
  const auto hides = options.find("hidepid=");
  if (hides != std::string::npos && options.compare(hides, 9, "hidepid=0") != 0 &&
      options.compare(hides, 11, "hidepid=off") != 0)
    return failure(ErrorCode::kUnsupported, "/proc is mounted with hidepid");
  return {};
}

// Nothing: it has gone, or is none of ours.
Result<std::optional<Seen>> look_at(int pid) {
  const auto status = read_whole_file(fmt::format("/proc/{}/status", pid));
  if (!status && has_gone(status.error())) return std::nullopt;
  if (!status) return std::unexpected(status.error());
  Seen seen;
  seen.pid = pid;
  seen.name = status->substr(6, status->find('\n') - 6);  // after "Name:\t"
  if (!seen.name.starts_with(kOurs) ||
      std::strtoul(field(*status, "Uid").c_str(), nullptr, 10) != ::getuid())
    return std::nullopt;
  seen.parent = std::atoi(field(*status, "PPid").c_str());
  seen.state = field(*status, "State").c_str()[0];
  if (seen.name != kSupervisor) return seen;
  const auto line = read_whole_file(fmt::format("/proc/{}/cmdline", pid));
  if (!line && !has_gone(line.error())) return std::unexpected(line.error());
  seen.words = words_of(line.value_or(""));
  return seen;
}

bool is_living_supervisor(const Seen& seen) {
  return seen.name == kSupervisor && seen.state != 'Z' && seen.state != 'X';
}
bool says(const Seen& seen, const std::string& word) {
  return std::ranges::find(seen.words, word) != seen.words.end();
}

// By descent: a supervisor's child is the warden, and the warden's is init.
bool is_cared_for(const std::vector<Seen>& processes, const Seen& init) {
  const Seen* at = &init;
  for (std::size_t steps = 0; steps < processes.size(); ++steps) {
    const auto above = std::ranges::find(processes, at->parent, &Seen::pid);
    if (above == processes.end()) return false;
    if (is_living_supervisor(*above)) return true;
    at = &*above;
  }
  return false;
}

// The program's id in the name of a job (HOST-PID-TIME), which its supervisor has on its command
// line; empty: it is not such a name.
std::string program_of(const std::string& job) {
  const auto end = job.rfind('-');
  const auto begin = end == std::string::npos || end == 0 ? end : job.rfind('-', end - 1);
  if (begin == std::string::npos || begin >= end) return "";
  return job.substr(begin + 1, end - begin - 1);
}

// A supervisor of another program's cannot have this job.
bool may_have(const Seen& supervisor, const std::string& program) {
  const auto option = std::ranges::find(supervisor.words, "--pid");
  return program.empty() || option == supervisor.words.end() ||
         std::next(option) == supervisor.words.end() || *std::next(option) == program;
}

Holding say(Holding::State state, std::string text) {
  Holding holding;
  holding.set_state(state);
  holding.set_text(std::move(text));
  return holding;
}

Holding cannot_look(const Error& error) {
  return say(Holding::STATE_UNKNOWN,
             "it is not known there whether the program is there: " + error.message());
}

}  // namespace

std::string mark_of(const std::string& job, std::uint32_t epoch) {
  return fmt::format("--job={}@{}", epoch, job);
}

Result<std::vector<Seen>> look_at_processes() {
  LLRUN_TRY(check_sight());
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
  if (!directory) return system_error("look at /proc");
  std::vector<Seen> found;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return system_error("look at /proc");
    if (entry == nullptr) return found;
    const int pid = std::atoi(entry->d_name);
    if (pid <= 0) continue;
    LLRUN_TRY_ASSIGN(auto seen, look_at(pid));
    if (seen) found.push_back(std::move(*seen));
  }
}

Holding guest_among(const Result<std::vector<Seen>>& processes, const std::string& job,
                    std::uint32_t epoch) {
  if (!processes) return cannot_look(processes.error());
  const auto mark = mark_of(job, epoch);
  auto answer = say(Holding::STATE_NOT_HELD, "neither the program nor its supervisor is there");
  for (const Seen& seen : *processes) {
    if (is_living_supervisor(seen) && says(seen, "guest") && says(seen, mark))
      return say(Holding::STATE_HELD,
                 fmt::format("it is there, but its supervisor ({}) does not take the channel yet",
                             seen.pid));
    if (is_living_supervisor(seen) && seen.words.empty())
      answer = say(Holding::STATE_UNKNOWN,
                   fmt::format("a supervisor there begins or ends just now ({})", seen.pid));
    if (seen.name == kInit && seen.state != 'Z' && seen.state != 'X' &&
        !is_cared_for(*processes, seen))
      answer = say(Holding::STATE_UNKNOWN,
                   fmt::format("a world without a supervisor has not ended yet there ({}): "
                               "llrunctl cleanup there ends it",
                               seen.pid));
  }
  return answer;
}

Holding home_among(const Result<std::vector<Seen>>& processes, const std::string& job,
                   const std::function<bool(int pid)>& registered) {
  if (!processes) return cannot_look(processes.error());
  for (const Seen& seen : *processes)
    if (is_living_supervisor(seen) && !says(seen, "guest") && may_have(seen, program_of(job)) &&
        !registered(seen.pid))
      return say(
          Holding::STATE_UNKNOWN,
          fmt::format("a supervisor there has not told its agent yet what it has ({})", seen.pid));
  return say(Holding::STATE_NOT_HELD, "no supervisor at home has that program any more");
}

}  // namespace llrun::holding
