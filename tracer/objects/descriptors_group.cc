#include "tracer/objects/descriptors_group.h"

#include <algorithm>
#include <cerrno>

#include "tracer/objects/kcmp.h"
#include "tracer/procfs/fd_table.h"

namespace llrun::tracer {
namespace {

bool has_closed(const Error& error) {
  return error.errno_value == ENOENT || error.errno_value == EBADF;
}

Result<std::vector<DescriptorView>> look_at_all(HostPid pid) {
  LLRUN_TRY_ASSIGN(std::vector<FdLink> links, read_fd_links(pid));
  const MountTypes mounts = read_mount_types(pid);
  std::vector<DescriptorView> views;
  for (FdLink& link : links) {
    auto view = look_at(pid, link.fd, std::move(link.text), mounts);
    if (!view && has_closed(view.error())) continue;
    if (!view) return std::unexpected(view.error());
    views.push_back(std::move(*view));
  }
  return views;
}

// Binary insertion: kcmp gives an order, but a running process may change its descriptors under us,
// and std::sort may not be given an order that changes.
Result<std::size_t> find_place(HostPid pid, const std::vector<DescriptorGroup>& groups, int fd,
                               bool& found) {
  std::size_t low = 0;
  std::size_t high = groups.size();
  found = false;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    LLRUN_TRY_ASSIGN(const Order order, compare_files(pid, fd, pid, groups[middle].front().fd));
    found = order == Order::kEqual;
    if (found) return middle;
    if (order == Order::kLess)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

Result<> insert(HostPid pid, std::vector<DescriptorGroup>& groups, DescriptorView view) {
  bool found = false;
  const auto place = find_place(pid, groups, view.fd, found);
  if (!place && has_closed(place.error())) return {};
  if (!place) return std::unexpected(place.error());
  const auto at = groups.begin() + static_cast<std::ptrdiff_t>(*place);
  if (found)
    at->push_back(std::move(view));
  else
    groups.insert(at, DescriptorGroup{std::move(view)});
  return {};
}

}  // namespace

Result<std::vector<DescriptorGroup>> group_descriptors(HostPid pid, bool names_are_ours) {
  LLRUN_TRY_ASSIGN(std::vector<DescriptorView> views, look_at_all(pid));
  std::vector<DescriptorGroup> groups;
  for (DescriptorView& view : views) {
    view.names_are_ours = names_are_ours;
    LLRUN_TRY(insert(pid, groups, std::move(view)));
  }
  std::ranges::sort(groups, {}, [](const DescriptorGroup& group) { return group.front().fd; });
  return groups;
}

}  // namespace llrun::tracer
