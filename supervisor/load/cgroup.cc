#include "supervisor/load/cgroup.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "base/fd.h"

namespace llrun::load {
namespace {

bool lists(std::string_view commas, std::string_view wanted) {
  std::istringstream items{std::string(commas)};
  for (std::string item; std::getline(items, item, ',');)
    if (item == wanted) return true;
  return false;
}

struct Mount {
  std::string root, point, type, options;
};

// mountinfo: id parent device ROOT POINT options [tags] - TYPE source SUPER-OPTIONS
std::optional<Mount> parse_mount(const std::string& line) {
  const auto dash = line.find(" - ");
  if (dash == std::string::npos) return std::nullopt;
  Mount mount;
  std::string skip;
  std::istringstream before(line.substr(0, dash));
  std::istringstream after(line.substr(dash + 3));
  before >> skip >> skip >> skip >> mount.root >> mount.point;
  after >> mount.type >> skip >> mount.options;
  return mount;
}

// A container sees its own group as the root of the mount.
std::string below(const std::string& group, const std::string& mount_root) {
  if (group == "/" || group.starts_with("/..")) return "";
  if (mount_root == "/" || !group.starts_with(mount_root)) return group;
  return group.substr(mount_root.size());
}

struct Memberships {
  std::optional<std::string> version1, version2;
};

Memberships groups_of(std::string_view self_cgroup, std::string_view controller) {
  Memberships found;
  std::istringstream lines{std::string(self_cgroup)};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (line.starts_with("0::")) found.version2 = line.substr(second + 1);
    if (lists(controllers, controller)) found.version1 = line.substr(second + 1);
  }
  return found;
}

std::optional<std::string> read_group(const GroupPath& path, const std::string& group,
                                      const char* file) {
  auto text = read_whole_file(path.root + group + "/" + file);
  return text ? std::optional(*text) : std::nullopt;
}

std::optional<double> number_in(const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text->c_str(), &end);
  return end == text->c_str() ? std::nullopt : std::optional(value);
}

std::optional<double> field_of(const std::optional<std::string>& text, std::string_view key) {
  std::istringstream lines(text.value_or(""));
  std::string name;
  double value = 0;
  while (lines >> name >> value)
    if (name == key) return value;
  return std::nullopt;
}

// The innermost group first, then every one around it: any of them may set the limit.
std::vector<std::string> ancestry(std::string group) {
  std::vector<std::string> result;
  while (!group.empty()) {
    result.push_back(group);
    group.erase(group.rfind('/'));
  }
  result.emplace_back();
  return result;
}

std::optional<double> cores_v1(const GroupPath& path, const std::string& group) {
  const auto quota = number_in(read_group(path, group, "cpu.cfs_quota_us"));
  const auto period = number_in(read_group(path, group, "cpu.cfs_period_us"));
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

void narrow(std::optional<CpuQuota>& best, std::optional<double> cores,
            std::optional<double> used_s) {
  if (cores && (!best || *cores < best->cores)) best = CpuQuota{*cores, used_s};
}

GroupFiles own_group(std::string_view controller) {
  const auto groups = read_whole_file("/proc/self/cgroup");
  const auto mounts = read_whole_file("/proc/self/mountinfo");
  if (!groups || !mounts) return {};
  return find_group(*groups, *mounts, controller);
}

// CPU time is counted by a controller of its own in version 1, often mounted elsewhere.
std::optional<double> used_v1(const std::string& group) {
  const auto accounting = own_group("cpuacct").version1;
  if (!accounting || accounting->group != group) return std::nullopt;
  const auto used = number_in(read_group(*accounting, group, "cpuacct.usage"));
  return used ? std::optional(*used / 1e9) : std::nullopt;
}

void narrow(std::optional<MemoryLimit>& best, std::optional<double> limit,
            std::optional<double> used, std::optional<double> droppable) {
  constexpr double kNoLimit = 4e18;  // version 1 says "no limit" by a number near 2^63
  if (!limit || !used || *limit <= 0 || *limit > kNoLimit) return;
  const double kept = *used - std::min(*used, droppable.value_or(0));
  if (best && static_cast<double>(best->limit_bytes - best->used_bytes) <= *limit - kept) return;
  best = MemoryLimit{static_cast<std::uint64_t>(*limit),
                     static_cast<std::uint64_t>(std::min(kept, *limit))};
}

}  // namespace

GroupFiles find_group(std::string_view self_cgroup, std::string_view mountinfo,
                      std::string_view controller) {
  const auto groups = groups_of(self_cgroup, controller);
  GroupFiles files;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    const auto mount = parse_mount(line);
    if (!mount) continue;
    if (mount->type == "cgroup2" && groups.version2)
      files.version2 = GroupPath{mount->point, below(*groups.version2, mount->root)};
    if (mount->type == "cgroup" && lists(mount->options, controller) && groups.version1)
      files.version1 = GroupPath{mount->point, below(*groups.version1, mount->root)};
  }
  return files;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  std::istringstream words{std::string(text)};
  double quota = 0, period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::optional<CpuQuota> cpu_quota() {
  const auto files = own_group("cpu");
  std::optional<CpuQuota> best;
  if (files.version2)
    for (const auto& group : ancestry(files.version2->group)) {
      const auto used = field_of(read_group(*files.version2, group, "cpu.stat"), "usage_usec");
      narrow(best, parse_cpu_max(read_group(*files.version2, group, "cpu.max").value_or("")),
             used ? std::optional(*used / 1e6) : std::nullopt);
    }
  if (files.version1)
    for (const auto& group : ancestry(files.version1->group))
      if (const auto cores = cores_v1(*files.version1, group)) narrow(best, cores, used_v1(group));
  return best;
}

std::optional<MemoryLimit> memory_limit() {
  const auto files = own_group("memory");
  std::optional<MemoryLimit> best;
  if (files.version2)
    for (const auto& group : ancestry(files.version2->group))
      narrow(best, number_in(read_group(*files.version2, group, "memory.max")),
             number_in(read_group(*files.version2, group, "memory.current")),
             field_of(read_group(*files.version2, group, "memory.stat"), "inactive_file"));
  if (files.version1)
    for (const auto& group : ancestry(files.version1->group))
      narrow(best, number_in(read_group(*files.version1, group, "memory.limit_in_bytes")),
             number_in(read_group(*files.version1, group, "memory.usage_in_bytes")),
             field_of(read_group(*files.version1, group, "memory.stat"), "total_inactive_file"));
  return best;
}

}  // namespace llrun::load
