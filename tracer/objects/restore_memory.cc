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
#include "tracer/remote/raised_limit.h"
#include "tracer/remote/remote_fd.h"

namespace llrun::tracer {
namespace {

constexpr int kLockOnFault = 1;  // MLOCK_ONFAULT

// Private memory that was never writable is not counted against what the machine may promise ("ac",
// mm/mmap.c, accountable_mapping): a large reserve (PROT_NONE) might not be had if it were now. Nor
// does it hold pages, but those that a debugger has put there.
bool was_never_writable(const image::Mapping& mapping) {
  return !mapping.shared() && mapping.backing() != image::Mapping::BACKING_FILE_COPIED &&
         !has_vm_flag(mapping, "ac") && !has_vm_flag(mapping, "nr");
}

// Files are mapped with the rights they end with; what pages land in is writable until then.
std::uint32_t first_protection(const image::Mapping& mapping, FirstRights rights) {
  if (mapping.shared() && is_file_mapping(mapping)) return mapping.protection();
  const bool executable = (mapping.protection() & PROT_EXEC) != 0;
  const bool final_only = rights == FirstRights::kFinal ||
                          (rights == FirstRights::kWritableUnlessExecutable && executable);
  if (final_only && !mapping.shared()) return mapping.protection();
  if (was_never_writable(mapping)) return mapping.protection();
  return mapping.protection() | PROT_READ | PROT_WRITE;
}

int map_flags(const image::Mapping& mapping) {
  if (is_droppable(mapping)) return MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | kMapDroppable;
  int flags = MAP_FIXED_NOREPLACE | (mapping.shared() ? MAP_SHARED : MAP_PRIVATE);
  if (!is_file_mapping(mapping)) flags |= MAP_ANONYMOUS;
  if (has_vm_flag(mapping, "gd")) flags |= MAP_GROWSDOWN;
  if (has_vm_flag(mapping, "nr")) flags |= MAP_NORESERVE;
  return flags;
}

void add_mapping(Batch& batch, const image::Mapping& mapping, std::uint64_t fd,
                 FirstRights rights) {
  const bool file = is_file_mapping(mapping);
  batch.add(SYS_mmap, mapping.start(), mapping.end() - mapping.start(),
            first_protection(mapping, rights), map_flags(mapping),
            file ? fd : static_cast<std::uint64_t>(-1), file ? mapping.offset() : 0);
}

Result<bool> is_inode(HostPid pid, std::uint64_t fd, std::uint64_t inode) {
  const auto path = "/proc/" + std::to_string(pid.value) + "/fd/" + std::to_string(fd);
  LLRUN_TRY_ASSIGN(const struct stat status, stat_unasked(AT_FDCWD, path));
  return status.st_ino == inode;
}

Result<std::uint64_t> open_path(RemoteSyscalls& calls, RemoteArena arena, const std::string& path) {
  arena.clear();
  LLRUN_TRY_ASSIGN(const auto place, arena.put_string(path));
  const auto fd = calls.call(SYS_openat, AT_FDCWD, place, O_RDONLY | O_CLOEXEC, 0);
  if (fd) return *fd;
  return system_error("open " + path + " for the program's memory", fd.error().errno_value);
}

// Those that a name leads to come first: a name that stands for another file for a moment is then
// known already, or not asked for any more.
struct FileOrder {
  bool operator()(const image::Mapping* a, const image::Mapping* b) const {
    return key(a) < key(b);
  }
  static std::tuple<std::uint64_t, const std::string&, std::uint64_t> key(
      const image::Mapping* it) {
    return {it->file_id(), it->path(), it->inode()};
  }
};
using ByFile = std::map<const image::Mapping*, std::vector<const image::Mapping*>, FileOrder>;

Result<std::uint64_t> send_in(RemoteSyscalls& calls, RemoteArena arena, const Fd& file) {
  LLRUN_TRY_ASSIGN(auto sender, RemoteFdSender::open(calls, arena));
  LLRUN_TRY_ASSIGN(const RemoteFd number, sender.send(file.get()));
  LLRUN_TRY(sender.close());
  return static_cast<std::uint64_t>(number.number);
}

Result<std::uint64_t> file_in_target(RemoteSyscalls& calls, RemoteArena arena,
                                     const image::Mapping& mapping, const FileSources& sources) {
  if (sources.nameless) {
    LLRUN_TRY_ASSIGN(const auto file, sources.nameless(mapping));
    if (file) return send_in(calls, arena, *file);
  }
  return open_in_target(calls, arena, sources, mapping.file_id(), mapping.path(), mapping.inode());
}

Result<> map_file(RemoteSyscalls& calls, RemoteArena arena, const ByFile::value_type& file,
                  const FileSources& sources, FirstRights rights) {
  LLRUN_TRY_ASSIGN(const auto fd, file_in_target(calls, arena, *file.first, sources));
  Batch batch(calls, arena);
  for (const auto* mapping : file.second) add_mapping(batch, *mapping, fd, rights);
  batch.add(SYS_close, fd);
  return batch.run_all_must_succeed("map " + file.first->path());
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
  if (first_protection(mapping, FirstRights::kWritable) != mapping.protection())
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

}  // namespace

Result<std::uint64_t> open_in_target(RemoteSyscalls& calls, RemoteArena arena,
                                     const FileSources& sources, std::uint64_t id,
                                     const std::string& path, std::uint64_t inode) {
  if (id == 0 || !sources.path_inside) return open_path(calls, arena, path);
  LLRUN_TRY_ASSIGN(const auto armed, sources.path_inside(id, path));
  LLRUN_TRY_ASSIGN(const auto fd, open_path(calls, arena, armed));
  LLRUN_TRY_ASSIGN(const bool right, is_inode(calls.pid(), fd, inode));
  if (right) return fd;
  // The target's kernel had that name in its cache, from before it was armed.
  LLRUN_TRY(calls.call(SYS_close, fd));
  LLRUN_TRY_ASSIGN(const auto other, sources.path_inside(id, ""));
  return open_path(calls, arena, other);
}

Result<> map_memory(RemoteSyscalls& calls, RemoteArena arena, const image::MemoryLayout& layout,
                    const FileSources& sources, FirstRights rights) {
  ByFile files;
  Batch batch(calls, arena);
  for (const auto& mapping : layout.mappings()) {
    if (is_kernel_mapping(mapping)) continue;
    if (is_file_mapping(mapping))
      files[&mapping].push_back(&mapping);
    else
      add_mapping(batch, mapping, 0, rights);
  }
  LLRUN_TRY(batch.run_all_must_succeed("map anonymous memory"));
  const RaisedLimit room(calls.pid(), RLIMIT_NOFILE);
  for (const auto& file : files) LLRUN_TRY(map_file(calls, arena, file, sources, rights));
  Batch advices(calls, arena);
  for (const auto& mapping : layout.mappings())
    if (!is_kernel_mapping(mapping)) add_advice(advices, mapping);
  return advices.run();  // advice: a kernel that knows it not does without
}

Result<> settle_memory(RemoteSyscalls& calls, RemoteArena arena,
                       const image::MemoryLayout& layout) {
  const RaisedLimit lockable(calls.pid(), RLIMIT_MEMLOCK);  // its own limit comes after this
  Batch batch(calls, arena);
  for (const auto& mapping : layout.mappings()) {
    if (is_kernel_mapping(mapping)) continue;
    add_protection(batch, mapping);
    add_lock(batch, mapping);
  }
  LLRUN_TRY(batch.run_all_must_succeed("protect and lock memory"));
  return name_memory(calls, arena, layout);
}

}  // namespace llrun::tracer
