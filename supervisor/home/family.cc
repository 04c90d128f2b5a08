#include "supervisor/home/family.h"

#include "tracer/procfs/directory.h"
#include "tracer/procfs/lineage.h"

namespace llrun {
namespace {

// Deeper than any real tree; a process that ends meanwhile cuts the list short.
constexpr std::size_t kMostAncestors = 64;

bool has_parent_in_session(const tracer::Lineage& member) {
  if (member.state == 'Z' || member.parent.value <= 1) return false;
  const auto parent = tracer::read_lineage(member.parent);
  return parent && parent->group != member.group && parent->session == member.session;
}

}  // namespace

std::vector<HostPid> ancestors_of(HostPid process) {
  std::vector<HostPid> ancestors;
  while (ancestors.size() < kMostAncestors) {
    const auto lineage = tracer::read_lineage(process);
    if (!lineage || lineage->parent.value <= 1) break;
    process = lineage->parent;
    ancestors.push_back(process);
  }
  return ancestors;
}

bool is_orphaned(HostPid group) {
  if (group.value <= 0) return false;  // outside what home can name
  const auto all = tracer::list_processes();
  if (!all) return false;
  for (const HostPid pid : *all) {
    const auto lineage = tracer::read_lineage(pid);
    if (lineage && lineage->group == group && has_parent_in_session(*lineage)) return false;
  }
  return true;
}

}  // namespace llrun
