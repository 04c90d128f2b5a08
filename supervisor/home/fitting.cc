#include "supervisor/home/fitting.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/fd.h"
#include "tracer/objects/mapping_room.h"
#include "tracer/objects/memory.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/smaps.h"
#include "tracer/procfs/timers.h"
#include "tracer/remote/remote_fd.h"

namespace llrun {
namespace {

using protocol::NodeTraits;
using Refusal = std::optional<std::string>;

// What cannot be read fails later, in words of its own.

Refusal droppable_memory(HostPid program, const NodeTraits& peer) {
  if (peer.droppable_memory() || !tracer::has_droppable_memory(program).value_or(false))
    return std::nullopt;
  return fmt::format(
      "the program has memory that may be dropped (MAP_DROPPABLE), which the peer's kernel ({}) "
      "does not know: a node with Linux 6.11 or later would do",
      peer.kernel_release());
}

Refusal guard_pages(HostPid program, const NodeTraits& peer) {
  if (peer.guard_pages() || !tracer::has_guard_pages(program).value_or(false)) return std::nullopt;
  return fmt::format(
      "the program has guard pages (MADV_GUARD_INSTALL), which the peer's kernel ({}) does not "
      "know: a node with Linux 6.13 or later would do",
      peer.kernel_release());
}

Refusal timers(HostPid program, const NodeTraits& peer) {
  if (peer.timer_ids()) return std::nullopt;
  const auto timers = tracer::read_posix_timers(program);
  if (!timers || timers->empty()) return std::nullopt;
  return fmt::format(
      "the program has timers (timer_create), which the peer's kernel ({}) cannot make again under "
      "the ids that the program knows: a node with Linux 6.15 or later would do",
      peer.kernel_release());
}

Refusal mappings(HostPid program, const NodeTraits& peer) {
  const auto maps = tracer::read_maps(program);
  if (!maps || maps->empty()) return std::nullopt;
  if (peer.most_mappings() != 0 && maps->size() + tracer::kSpareMappings > peer.most_mappings())
    return fmt::format(
        "the program has {} mappings, more than a program may have there: raise vm.max_map_count "
        "({}) on the peer",
        maps->size(), peer.most_mappings());
  if (maps->front().start < peer.first_address())
    return fmt::format(
        "the program has memory at {:#x}, where there may be none there: lower vm.mmap_min_addr "
        "({}) on the peer",
        maps->front().start, peer.first_address());
  return std::nullopt;
}

// The descriptors of its pipes of which it has both ends: those are made again there. By their
// links: no filesystem is asked.
std::vector<int> inner_pipes(HostPid program) {
  struct Ends {
    bool reads = false, writes = false;
    int fd = -1;
  };
  std::map<std::string, Ends> pipes;
  for (const auto& link : tracer::read_fd_links(program).value_or(std::vector<tracer::FdLink>())) {
    if (!link.text.starts_with("pipe:[")) continue;
    const auto info = tracer::read_fdinfo(program, link.fd);
    if (!info) continue;
    auto& ends = pipes[link.text];
    ((info->flags & O_ACCMODE) == O_RDONLY ? ends.reads : ends.writes) = true;
    ends.fd = link.fd;
  }
  std::vector<int> inner;
  for (const auto& [link, ends] : pipes)
    if (ends.reads && ends.writes) inner.push_back(ends.fd);
  return inner;
}

Refusal pipes(HostPid program, const NodeTraits& peer) {
  const auto inner = peer.largest_pipe() == 0 ? std::vector<int>() : inner_pipes(program);
  if (inner.empty()) return std::nullopt;
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, program.value, 0)));
  for (const int fd : inner) {
    const auto pipe = tracer::take_fd(pidfd, RemoteFd{fd});
    if (!pipe) continue;
    const int capacity = ::fcntl(pipe->get(), F_GETPIPE_SZ);
    if (capacity < 0 || static_cast<std::uint64_t>(capacity) <= peer.largest_pipe()) continue;
    return fmt::format(
        "the program has a pipe of {} bytes (fd {}), more than a pipe may have there: raise "
        "fs.pipe-max-size ({}) on the peer",
        capacity, fd, peer.largest_pipe());
  }
  return std::nullopt;
}

}  // namespace

Refusal why_not_this_program(HostPid program, const NodeTraits& peer) {
  for (const auto question : {mappings, droppable_memory, guard_pages, timers, pipes})
    if (auto refusal = question(program, peer)) return refusal;
  return std::nullopt;
}

}  // namespace llrun
