#include "tracer/stacks/live_source.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "tracer/procfs/directory.h"
#include "tracer/procfs/smaps.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/remote/remote_memory.h"

namespace llrun::tracer {

Result<std::vector<HostTid>> LiveSource::threads() {
  LLRUN_TRY_ASSIGN(auto tids, list_threads(pid_));
  std::ranges::stable_partition(tids, [this](HostTid tid) { return tid.value == pid_.value; });
  return tids;
}

std::string LiveSource::thread_name(HostTid tid) {
  auto name = read_whole_file(fmt::format("/proc/{}/task/{}/comm", pid_.value, tid.value));
  if (!name) return {};
  if (name->ends_with('\n')) name->pop_back();
  return std::move(*name);
}

Result<user_regs_struct> LiveSource::registers(HostTid tid) {
  return tracer::registers(StoppedThread::seen_stopped(tid));
}

Result<std::vector<SourceMapping>> LiveSource::mappings() {
  LLRUN_TRY_ASSIGN(const auto entries, read_maps(pid_));
  std::vector<SourceMapping> mappings;
  for (const auto& entry : entries)
    mappings.push_back({entry.start, entry.end, entry.offset, entry.writable, entry.name});
  return mappings;
}

Result<> LiveSource::read(std::uint64_t address, std::span<std::byte> into) {
  return read_memory(pid_, RemoteAddr{address}, into);
}

Result<Fd> LiveSource::open(const std::string& name) {
  return open_file(root_ + name, O_RDONLY | O_NONBLOCK);
}

}  // namespace llrun::tracer
