#include "tracer/objects/process_mappings.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "tracer/procfs/smaps.h"
#include "tracer/procfs/stat.h"

namespace llrun::tracer {
namespace {

bool is_kernels(const MapEntry& entry) {
  return entry.name == "[vdso]" || entry.name == "[vsyscall]" || entry.name.starts_with("[vvar");
}

// `whole` without `kept`, which is sorted.
std::vector<RemoteRange> without(RemoteRange whole, const std::vector<RemoteRange>& kept) {
  std::vector<RemoteRange> parts;
  for (const auto& hole : kept) {
    if (!whole.overlaps(hole)) continue;
    if (whole.start < hole.start) parts.push_back({whole.start, hole.start});
    whole.start = std::max(whole.start, hole.end);
    if (whole.end <= whole.start) return parts;
  }
  parts.push_back(whole);
  return parts;
}

RemoteRange pages_of(std::uint64_t start, std::uint64_t end) {
  return {{start & ~(kPageSize - 1)}, {(end + kPageSize - 1) & ~(kPageSize - 1)}};
}

}  // namespace

Result<> unmap_all_but(RemoteSyscalls& calls, RemoteArena arena,
                       const std::vector<RemoteRange>& kept) {
  auto sorted = kept;
  std::ranges::sort(sorted, {}, &RemoteRange::start);
  LLRUN_TRY_ASSIGN(const auto maps, read_maps(calls.pid()));
  std::vector<RemoteRange> gone;
  for (const auto& entry : maps)
    if (!is_kernels(entry))
      for (const auto& part : without({{entry.start}, {entry.end}}, sorted)) gone.push_back(part);
  Batch batch(calls, arena);
  for (const auto& range : gone) batch.add(SYS_munmap, range.start, range.size());
  LLRUN_TRY(batch.run());
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (batch.succeeded(i)) continue;
    if (batch.error(i) != EPERM) return system_error("unmap the program's memory", batch.error(i));
    LLRUN_TRY(calls.call(SYS_madvise, gone[i].start, gone[i].size(), MADV_DONTNEED));
  }
  return {};
}

Result<std::vector<RemoteRange>> ranges_of_arguments(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto stat, read_stat(pid));
  std::vector<RemoteRange> ranges;
  if (stat.arg_start < stat.arg_end) ranges.push_back(pages_of(stat.arg_start, stat.arg_end));
  if (stat.env_start < stat.env_end) ranges.push_back(pages_of(stat.env_start, stat.env_end));
  return ranges;
}

}  // namespace llrun::tracer
