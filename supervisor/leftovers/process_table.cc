#include "supervisor/leftovers/process_table.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>

#include "base/fd.h"
#include "tracer/stub/stub.h"

namespace llrun::leftovers {
namespace {

constexpr const char* kWarden = "llrun-warden";
constexpr const char* kInit = "llrun-init";
constexpr const char* kSupervisor = "llrun-supervisor";
constexpr const char* kSupervisorName = "llrun-superviso";  // as the kernel keeps it
// A shadow has the stub, the argument pages and what the kernel maps.
constexpr int kMostShadowMappings = 12;

std::string proc(int pid, const char* file) { return fmt::format("/proc/{}/{}", pid, file); }

// "Key:\tvalue" of /proc/PID/status.
std::string field(const std::string& status, const std::string& key) {
  const auto at = status.find("\n" + key + ":\t");
  if (at == std::string::npos) return "";
  const auto begin = at + key.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

std::uint64_t start_of(int pid) {
  const auto text = read_whole_file(proc(pid, "stat")).value_or("");
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int number = 3; number < 22; ++number) fields >> skipped;
  std::uint64_t started = 0;
  fields >> started;
  return started;
}

std::string view_of(int pid) {
  std::istringstream lines(read_whole_file(proc(pid, "mountinfo")).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" - fuse.llrun ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string device;
    words >> device >> device >> device;
    return device;
  }
  return "";
}

bool holds_stub(int pid, std::uint64_t address) {
  const auto stub = tracer::stub_page();
  std::vector<std::byte> there(std::min<std::size_t>(stub.size(), 64));
  iovec to{there.data(), there.size()};
  iovec from{reinterpret_cast<void*>(address), there.size()};
  return ::process_vm_readv(pid, &to, 1, &from, 1, 0) == static_cast<ssize_t>(there.size()) &&
         std::memcmp(there.data(), stub.data(), there.size()) == 0;
}

// Nothing of a file, few mappings, and one of them is the stub.
bool is_shadow(int pid) {
  std::istringstream lines(read_whole_file(proc(pid, "maps")).value_or(""));
  int count = 0;
  std::uint64_t code = 0;
  for (std::string line; std::getline(lines, line);) {
    if (++count > kMostShadowMappings || line.find(" /") != std::string::npos) return false;
    if (line.find(" r-xp ") != std::string::npos && !line.ends_with(']'))
      code = std::strtoull(line.c_str(), nullptr, 16);
  }
  return code != 0 && holds_stub(pid, code);
}

bool read_process(int pid, Process& process) {
  const auto status = read_whole_file(proc(pid, "status"));
  if (!status || std::strtoul(field(*status, "Uid").c_str(), nullptr, 10) != ::getuid())
    return false;
  process.pid = pid;
  process.parent = std::atoi(field(*status, "PPid").c_str());
  process.tracer = std::atoi(field(*status, "TracerPid").c_str());
  process.state = field(*status, "State").c_str()[0];
  process.started = start_of(pid);
  process.name = status->substr(6, status->find('\n') - 6);  // after "Name:\t"
  if (auto link = read_link(proc(pid, "exe")))
    process.executable = link->substr(link->rfind('/') + 1);
  struct stat space {};
  if (::stat(proc(pid, "ns/user").c_str(), &space) == 0) process.user_namespace = space.st_ino;
  process.view = view_of(pid);
  process.only_stub = is_shadow(pid);
  return true;
}

bool is_supervisor(const ProcessTable& table, int pid) {
  const auto found = table.find(pid);
  // "llrun-supervisor (deleted)" after an update.
  if (found == table.end() || found->second.state == 'Z') return false;
  const auto& process = found->second;
  // Whose executable cannot be seen is known by its name: not to have seen it is no proof.
  if (process.executable.empty()) return process.name == kSupervisorName;
  return process.executable.starts_with(kSupervisor) && process.name != kWarden &&
         process.name != kInit;
}

bool is_living_warden(const ProcessTable& table, const Process& process) {
  return process.name == kWarden && is_supervisor(table, process.parent);
}

// The wardens that a supervisor cares for, and whoever is in their worlds. By descent, since the
// user namespace of a world's own processes cannot always be seen: init is the warden's child, and
// the placeholders of a guest's kin, which are called llrun-init as well, are init's.
class LivingWorlds {
 public:
  explicit LivingWorlds(const ProcessTable& table) : table_(table) {
    for (const auto& [pid, process] : table)
      if (is_living_warden(table, process) && process.user_namespace != 0)
        namespaces_.insert(process.user_namespace);
  }
  [[nodiscard]] bool have(const Process& process) const {
    if (namespaces_.contains(process.user_namespace)) return true;
    auto above = table_.find(process.pid);
    for (std::size_t steps = 0; above != table_.end() && steps < table_.size(); ++steps) {
      if (is_living_warden(table_, above->second)) return true;
      above = table_.find(above->second.parent);
    }
    return false;
  }

 private:
  const ProcessTable& table_;
  std::set<std::uint64_t> namespaces_;
};

}  // namespace

ProcessTable read_processes() {
  ProcessTable table;
  DIR* directory = ::opendir("/proc");
  if (directory == nullptr) return table;
  while (const dirent* entry = ::readdir(directory)) {
    const int pid = std::atoi(entry->d_name);
    if (Process process; pid > 0 && read_process(pid, process)) table[pid] = process;
  }
  ::closedir(directory);
  return table;
}

std::vector<Verdict> judge(const ProcessTable& table) {
  const LivingWorlds living(table);
  std::vector<Verdict> verdicts;
  for (const auto& [pid, process] : table) {
    if (process.state == 'Z') continue;
    if (process.only_stub && process.tracer == 0) {
      verdicts.push_back({pid, "shadow",
                          fmt::format("process {} ({}) is a shadow without a supervisor: its "
                                      "program is lost",
                                      pid, process.name)});
    } else if (living.have(process)) {
      continue;
    } else if (process.name == kWarden) {
      verdicts.push_back(
          {pid, "guest", fmt::format("process {} keeps a world without a supervisor", pid)});
    } else if (process.name == kInit) {
      verdicts.push_back(
          {pid, "guest",
           fmt::format("process {} holds an id in a world without a supervisor", pid)});
    } else if (!process.view.empty()) {
      verdicts.push_back(
          {pid, "guest",
           fmt::format("process {} ({}) is a guest without a home", pid, process.name)});
    }
  }
  return verdicts;
}

}  // namespace llrun::leftovers
