#include "tracer/ptrace/task_states.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/fd.h"

namespace llrun::tracer {
namespace {

std::string status_line(HostTid tid, const std::string& key) {
  const auto text = read_whole_file("/proc/" + std::to_string(tid.value) + "/status");
  if (!text) return {};
  const auto start = text->find("\n" + key + ":\t");
  if (start == std::string::npos) return {};
  const auto value = start + key.size() + 3;
  return text->substr(value, text->find('\n', value) - value);
}

}  // namespace

std::vector<HostTid> threads_of(HostPid pid) {
  std::vector<HostTid> tids;
  std::error_code error;
  const auto path = "/proc/" + std::to_string(pid.value) + "/task";
  for (auto entry = std::filesystem::directory_iterator(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    tids.push_back(HostTid{std::atoi(entry->path().filename().c_str())});
  return tids;
}

bool has_ended(HostTid tid) {
  const auto state = status_line(tid, "State");
  // Where /proc hides what belongs to others, nothing there means nothing.
  if (state.empty()) return ::kill(tid.value, 0) != 0 && errno == ESRCH;
  return state[0] == 'Z' || state[0] == 'X';
}

bool cannot_be_interrupted(HostTid tid) { return status_line(tid, "State").starts_with('D'); }

// TracerPid names the tracing thread, not its process.
bool is_traced_by_us(HostTid tid) {
  return std::atoi(status_line(tid, "TracerPid").c_str()) == ::gettid();
}

}  // namespace llrun::tracer
