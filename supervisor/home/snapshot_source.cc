#include "supervisor/home/snapshot_source.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "tracer/procfs/smaps.h"

namespace llrun {

Result<std::vector<HostTid>> SnapshotSource::threads() {
  std::vector<HostTid> tids;
  for (const auto& thread : snapshot_.threads()) tids.push_back(HostTid{thread.tid()});
  return tids;
}

const protocol::StackTrace::Thread* SnapshotSource::find(HostTid tid) const {
  for (const auto& thread : snapshot_.threads())
    if (thread.tid() == tid.value) return &thread;
  return nullptr;
}

std::string SnapshotSource::thread_name(HostTid tid) {
  const auto* thread = find(tid);
  return thread ? thread->name() : std::string();
}

Result<user_regs_struct> SnapshotSource::registers(HostTid tid) {
  const auto* thread = find(tid);
  user_regs_struct registers{};
  if (!thread || thread->registers().size() != sizeof registers)
    return failure(ErrorCode::kProtocol, "the registers of a thread did not come");
  std::memcpy(&registers, thread->registers().data(), sizeof registers);
  return registers;
}

Result<std::vector<tracer::SourceMapping>> SnapshotSource::mappings() {
  std::vector<tracer::SourceMapping> mappings;
  for (const auto& mapping : snapshot_.mappings())
    mappings.push_back(
        {mapping.start(), mapping.end(), mapping.offset(), mapping.writable(), mapping.name()});
  return mappings;
}

Result<> SnapshotSource::read(std::uint64_t address, std::span<std::byte> into) {
  for (const auto& thread : snapshot_.threads()) {
    const std::uint64_t start = thread.stack_start();
    const std::uint64_t size = thread.stack().size();
    if (address < start || address - start > size || size - (address - start) < into.size())
      continue;
    std::memcpy(into.data(), thread.stack().data() + (address - start), into.size());
    return {};
  }
  return read_from_file(address, into);
}

// Code and unwind tables are as their files have them. Data may differ by now, but unwinding reads
// only pointers to personality routines there (DW.ref.__gxx_personality_v0), and follows none.
Result<> SnapshotSource::read_from_file(std::uint64_t address, std::span<std::byte> into) {
  for (const auto& mapping : snapshot_.mappings()) {
    if (address < mapping.start() || address >= mapping.end()) continue;
    if (mapping.name() == "[vdso]") return read_from_vdso(address - mapping.start(), mapping, into);
    if (!mapping.name().starts_with('/')) break;
    LLRUN_TRY_ASSIGN(const Fd file, open(mapping.name()));
    const auto at = static_cast<off_t>(mapping.offset() + (address - mapping.start()));
    if (::pread(file.get(), into.data(), into.size(), at) == static_cast<ssize_t>(into.size()))
      return {};
    return system_error("read " + mapping.name());
  }
  return failure(ErrorCode::kUnsupported, "this memory of the guest was not sent");
}

// Programs move only between nodes of the same vdso (supervisor/traits), so ours is the guest's.
Result<> SnapshotSource::read_from_vdso(std::uint64_t at,
                                        const protocol::StackTrace::Mapping& mapping,
                                        std::span<std::byte> into) {
  const auto ours = ::getauxval(AT_SYSINFO_EHDR);
  const std::uint64_t size = mapping.end() - mapping.start();
  const auto own_maps = tracer::read_maps(HostPid{::getpid()});
  const bool same_size = own_maps && std::ranges::any_of(*own_maps, [&](const auto& own) {
                           return own.start == ours && own.end - own.start == size;
                         });
  if (!same_size || into.size() > size - at)
    return failure(ErrorCode::kUnsupported, "the guest's vdso is not ours");
  std::memcpy(into.data(), reinterpret_cast<const std::byte*>(ours) + at, into.size());
  return {};
}

// The name is another node's word: a FIFO would keep us waiting, and a device may do anything.
Result<Fd> SnapshotSource::open(const std::string& name) {
  struct stat status {};
  if (::stat(name.c_str(), &status) != 0) return system_error("look at " + name);
  if (!S_ISREG(status.st_mode)) return failure(ErrorCode::kRefused, name + " is no regular file");
  return open_file(name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

}  // namespace llrun
