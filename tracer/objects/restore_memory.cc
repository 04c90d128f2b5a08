#include "tracer/objects/restore_memory.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <map>
#include <tuple>
#include <vector>

#include "base/unasked.h"

namespace llrun::tracer {
namespace {

constexpr long kMseal = 462;
constexpr int kLockOnFault = 1;  // MLOCK_ONFAULT

// Files are mapped with the rights they end with; what pages land in is writable until then.
std::uint32_t first_protection(const image::Mapping& mapping) {
  if (mapping.shared() && is_file_mapping(mapping)) return mapping.protection();
  return mapping.protection() | PROT_READ | PROT_WRITE;
}

int map_flags(const image::Mapping& mapping) {
  int flags = MAP_FIXED_NOREPLACE | (mapping.shared() ? MAP_SHARED : MAP_PRIVATE);
  if (!is_file_mapping(mapping)) flags |= MAP_ANONYMOUS;
  if (has_vm_flag(mapping, "gd")) flags |= MAP_GROWSDOWN;
  if (has_vm_flag(mapping, "nr")) flags |= MAP_NORESERVE;
  return flags;
}

void add_mapping(Batch& batch, const image::Mapping& mapping, std::uint64_t fd) {
  const bool file = is_file_mapping(mapping);
  batch.add(SYS_mmap, mapping.start(), mapping.end() - mapping.start(), first_protection(mapping),
            map_flags(mapping), file ? fd : static_cast<std::uint64_t>(-1),
            file ? mapping.offset() : 0);
}

Result<> check_file(HostPid pid, std::uint64_t fd, const image::Mapping& mapping) {
  const auto path = "/proc/" + std::to_string(pid.value) + "/fd/" + std::to_string(fd);
  LLRUN_TRY_ASSIGN(const struct stat status, stat_unasked(AT_FDCWD, path));
  if (status.st_ino == mapping.inode()) return {};
  return failure(ErrorCode::kRefused,
                 mapping.path() + " is not the file any more that the program had mapped");
}

Result<std::uint64_t> open_in_target(RemoteSyscalls& calls, RemoteArena arena,
                                     const std::string& path) {
  arena.clear();
  LLRUN_TRY_ASSIGN(const auto place, arena.put_string(path));
  const auto fd = calls.call(SYS_openat, AT_FDCWD, place, O_RDONLY | O_CLOEXEC, 0);
  if (fd) return *fd;
  return system_error("open " + path + " for the program's memory", fd.error().errno_value);
}

using ByFile = std::map<std::string, std::vector<const image::Mapping*>>;

Result<> map_file(RemoteSyscalls& calls, RemoteArena arena, const ByFile::value_type& file,
                  bool check_files) {
  LLRUN_TRY_ASSIGN(const auto fd, open_in_target(calls, arena, file.first));
  if (check_files) LLRUN_TRY(check_file(calls.pid(), fd, *file.second.front()));
  Batch batch(calls, arena);
  for (const auto* mapping : file.second) add_mapping(batch, *mapping, fd);
  batch.add(SYS_close, fd);
  return batch.run_all_must_succeed("map " + file.first);
}

void add_advice(Batch& batch, const image::Mapping& mapping) {
  struct Advice {
    const char* flag;
    int advice;
  };
  constexpr std::array kAdvices{Advice{"hg", MADV_HUGEPAGE},   Advice{"nh", MADV_NOHUGEPAGE},
                                Advice{"dc", MADV_DONTFORK},   Advice{"dd", MADV_DONTDUMP},
                                Advice{"wf", MADV_WIPEONFORK}, Advice{"mg", MADV_MERGEABLE},
                                Advice{"rr", MADV_RANDOM},     Advice{"sr", MADV_SEQUENTIAL}};
  for (const auto& [flag, advice] : kAdvices)
    if (has_vm_flag(mapping, flag))
      batch.add(SYS_madvise, mapping.start(), mapping.end() - mapping.start(), advice);
}

void add_protection(Batch& batch, const image::Mapping& mapping) {
  if (first_protection(mapping) != mapping.protection())
    batch.add(SYS_mprotect, mapping.start(), mapping.end() - mapping.start(), mapping.protection());
}

void add_lock(Batch& batch, const image::Mapping& mapping) {
  if (!has_vm_flag(mapping, "lo")) return;
  const int flags = has_vm_flag(mapping, "lf") ? kLockOnFault : 0;
  batch.add(SYS_mlock2, mapping.start(), mapping.end() - mapping.start(), flags);
}

Result<> name_memory(RemoteSyscalls& calls, RemoteArena arena, const image::MemoryLayout& layout) {
  for (const auto& mapping : layout.mappings()) {
    if (mapping.name().empty()) continue;
    arena.clear();
    LLRUN_TRY_ASSIGN(const auto name, arena.put_string(mapping.name()));
    // A kernel without such names shows none: nothing is lost that the program could tell.
    std::ignore = calls.call(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, mapping.start(),
                             mapping.end() - mapping.start(), name);
  }
  return {};
}

void seal_memory(RemoteSyscalls& calls, const image::MemoryLayout& layout) {
  for (const auto& mapping : layout.mappings())
    if (has_vm_flag(mapping, "sl") && !is_kernel_mapping(mapping))
      std::ignore = calls.call(kMseal, mapping.start(), mapping.end() - mapping.start(), 0);
}

}  // namespace

Result<> map_memory(RemoteSyscalls& calls, RemoteArena arena, const image::MemoryLayout& layout,
                    bool check_files) {
  ByFile files;
  Batch batch(calls, arena);
  for (const auto& mapping : layout.mappings()) {
    if (is_kernel_mapping(mapping)) continue;
    if (is_file_mapping(mapping))
      files[mapping.path()].push_back(&mapping);
    else
      add_mapping(batch, mapping, 0);
  }
  LLRUN_TRY(batch.run_all_must_succeed("map anonymous memory"));
  for (const auto& file : files) LLRUN_TRY(map_file(calls, arena, file, check_files));
  Batch advices(calls, arena);
  for (const auto& mapping : layout.mappings())
    if (!is_kernel_mapping(mapping)) add_advice(advices, mapping);
  return advices.run();  // advice: a kernel that knows it not does without
}

Result<> settle_memory(RemoteSyscalls& calls, RemoteArena arena,
                       const image::MemoryLayout& layout) {
  Batch batch(calls, arena);
  for (const auto& mapping : layout.mappings()) {
    if (is_kernel_mapping(mapping)) continue;
    add_protection(batch, mapping);
    add_lock(batch, mapping);
  }
  LLRUN_TRY(batch.run_all_must_succeed("protect and lock memory"));
  LLRUN_TRY(name_memory(calls, arena, layout));
  seal_memory(calls, layout);
  return {};
}

}  // namespace llrun::tracer
