#include "supervisor/agent/guest_group.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/fd.h"
#include "supervisor/load/cgroup.h"

namespace llrun::agent {
namespace {

constexpr long kPeriod_us = 100'000;

bool put(const std::string& file, const std::string& text) {
  const auto opened = open_file(file, O_WRONLY);
  return opened && write_all(opened->get(), bytes_of(std::string_view(text)));
}

bool make_directory(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

std::string quota_of(double cores) {
  return std::to_string(std::max(1000L, static_cast<long>(cores * kPeriod_us)));
}

}  // namespace

GuestGroup::Places GuestGroup::Places::of_this_process() {
  const auto groups = read_whole_file("/proc/self/cgroup").value_or("");
  const auto mounts = read_whole_file("/proc/self/mountinfo").value_or("");
  const auto files = load::find_group(groups, mounts, "cpu");
  Places places;
  if (files.version1) places.cpu_v1 = files.version1->root + files.version1->group;
  if (files.version2) places.version2 = files.version2->root + files.version2->group;
  return places;
}

GuestGroup::GuestGroup(const Places& places, const std::string& node,
                       const config::GuestLimits& limits) {
  if (limits.cpu <= 0 && limits.memory.value_or(0) <= 0) return;
  if (!places.version2.empty()) make_version_2(places.version2, node, limits);
  if (!places.cpu_v1.empty() && limits.cpu > 0 && !limits_cpu_)
    make_version_1(places.cpu_v1, node, limits);
}

GuestGroup::~GuestGroup() {
  for (const auto& directory : directories_) ::rmdir(directory.c_str());
}

void GuestGroup::make_version_1(const std::string& own, const std::string& node,
                                const config::GuestLimits& limits) {
  const auto group = own + "/" + name_for(node);
  if (!make_directory(group)) return;
  directories_.push_back(group);
  limits_cpu_ = put(group + "/cpu.cfs_period_us", std::to_string(kPeriod_us)) &&
                put(group + "/cpu.cfs_quota_us", quota_of(limits.cpu));
  if (limits_cpu_) procs_files_.push_back(group + "/cgroup.procs");
}

// memory.max would kill a guest, which would not have been killed at home: memory.high slows it
// down until it has been sent home.
void GuestGroup::make_version_2(const std::string& own, const std::string& node,
                                const config::GuestLimits& limits) {
  const auto group = own + "/" + name_for(node);
  if (!make_directory(group)) return;
  directories_.push_back(group);
  // Refused (EBUSY) where the own group still has processes of its own: cgroups(7).
  put(own + "/cgroup.subtree_control", "+cpu");
  put(own + "/cgroup.subtree_control", "+memory");
  if (limits.cpu > 0)
    limits_cpu_ = put(group + "/cpu.max", fmt::format("{} {}", quota_of(limits.cpu), kPeriod_us));
  if (const double memory = limits.memory.value_or(0); memory > 0)
    slows_at_memory_ =
        put(group + "/memory.high", std::to_string(static_cast<std::uint64_t>(memory) << 20));
  if (limits_cpu_ || slows_at_memory_) procs_files_.push_back(group + "/cgroup.procs");
}

}  // namespace llrun::agent
