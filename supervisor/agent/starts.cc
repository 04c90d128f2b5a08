#include "supervisor/agent/starts.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace llrun::agent {
namespace {

std::int64_t started_ms(const protocol::ProcessReport& report) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() -
         static_cast<std::int64_t>(report.age_ms());
}

bool is_in_load(const protocol::Load& load, std::int64_t started_ms) {
  return load.measured_at_ms() == 0 ||
         started_ms <= static_cast<std::int64_t>(load.measured_at_ms());
}

}  // namespace

bool Starts::is_new(const protocol::ProcessReport& report) const {
  const auto found = starts_.find(report.pid());
  return found == starts_.end() || found->second.executable != report.executable();
}

void Starts::asked(const protocol::ProcessReport& report, bool goes, std::string words) {
  starts_[report.pid()] = {report.executable(), std::move(words), goes, started_ms(report)};
}

void Starts::failed(int pid, const std::string& words) {
  const auto found = starts_.find(pid);
  if (found == starts_.end()) return;
  found->second.goes = false;
  found->second.words += "; it stays here: " + words;
}

bool Starts::goes(int pid) const {
  const auto found = starts_.find(pid);
  return found != starts_.end() && found->second.goes;
}

std::string Starts::words(int pid) const {
  const auto found = starts_.find(pid);
  return found == starts_.end() ? "" : found->second.words;
}

bool Starts::is_in(const protocol::Load& load, const protocol::ProcessReport& report) {
  return is_in_load(load, started_ms(report));
}

int Starts::staying_since(const protocol::Load& load) const {
  return static_cast<int>(std::ranges::count_if(starts_, [&](const auto& entry) {
    return !entry.second.goes && !is_in_load(load, entry.second.started_ms);
  }));
}

void Starts::forget_ended(const Processes& processes) {
  std::erase_if(starts_, [&](const auto& entry) { return processes.home(entry.first) == nullptr; });
}

}  // namespace llrun::agent
