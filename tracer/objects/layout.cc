#include "tracer/objects/layout.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/fd.h"
#include "base/unasked.h"
#include "tracer/objects/freeze.h"
#include "tracer/procfs/stat.h"

namespace llrun::tracer {
namespace {

std::string proc(HostPid pid, const char* file) {
  return "/proc/" + std::to_string(pid.value) + "/" + file;
}

void copy_addresses(const Stat& stat, image::MemoryLayout& layout) {
  layout.set_start_code(stat.start_code);
  layout.set_end_code(stat.end_code);
  layout.set_start_data(stat.start_data);
  layout.set_end_data(stat.end_data);
  layout.set_start_brk(stat.start_brk);
  layout.set_start_stack(stat.start_stack);
  layout.set_arg_start(stat.arg_start);
  layout.set_arg_end(stat.arg_end);
  layout.set_env_start(stat.env_start);
  layout.set_env_end(stat.env_end);
}

void note_executable(HostPid pid, image::MemoryLayout& layout) {
  layout.set_exe_path(read_link(proc(pid, "exe")).value_or(""));
  const auto status = stat_unasked(AT_FDCWD, proc(pid, "exe"));
  if (!status) return;
  layout.set_exe_device(status->st_dev);
  layout.set_exe_inode(status->st_ino);
}

std::string hex(const XXH128_hash_t& hash) {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text.data();
}

bool is_kernels(const MapEntry& entry) {
  return entry.name == "[vdso]" || entry.name.starts_with("[vvar");
}

struct Piece {
  std::string name;  // distinguishes vdso from vvar; the record does not tell vvar from vvar_vclock
  std::uint64_t start = 0;
  std::uint64_t size = 0;
};

Result<std::vector<Piece>> pieces_of(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto maps, read_maps(pid));
  std::vector<Piece> pieces;
  for (const auto& entry : maps)
    if (is_kernels(entry))
      pieces.push_back({entry.name == "[vdso]" ? "vdso" : "vvar", entry.start, entry.size()});
  return pieces;
}

std::vector<Piece> pieces_of(const image::MemoryLayout& layout) {
  std::vector<Piece> pieces;
  for (const auto& mapping : layout.mappings()) {
    if (!is_kernel_mapping(mapping) || mapping.backing() == image::Mapping::BACKING_VSYSCALL)
      continue;
    const bool vdso = mapping.backing() == image::Mapping::BACKING_VDSO;
    pieces.push_back({vdso ? "vdso" : "vvar", mapping.start(), mapping.end() - mapping.start()});
  }
  return pieces;
}

bool same_shape(const std::vector<Piece>& a, const std::vector<Piece>& b) {
  return std::ranges::equal(
      a, b, [](const auto& x, const auto& y) { return x.name == y.name && x.size == y.size; });
}

Result<> move_piece(RemoteSyscalls& calls, const Piece& piece, std::uint64_t to) {
  LLRUN_TRY(calls.call(SYS_mremap, piece.start, piece.size, piece.size,
                       MREMAP_MAYMOVE | MREMAP_FIXED, to));
  return {};
}

std::uint64_t span_of(const std::vector<Piece>& pieces) {
  return pieces.back().start + pieces.back().size - pieces.front().start;
}

// Out of the way of both places.
Result<std::uint64_t> place_aside(HostPid pid, const std::vector<Piece>& wanted,
                                  std::uint64_t size) {
  LLRUN_TRY_ASSIGN(const auto maps, read_maps(pid));
  std::vector<RemoteRange> taken;
  for (const auto& entry : maps) taken.push_back({{entry.start}, {entry.end}});
  for (const auto& piece : wanted) taken.push_back({{piece.start}, {piece.start + piece.size}});
  LLRUN_TRY_ASSIGN(const auto hole, find_hole(taken, size));
  return hole.value;
}

Result<> move_all(RemoteSyscalls& calls, std::vector<Piece>& pieces, std::uint64_t to) {
  const std::uint64_t from = pieces.front().start;
  for (auto& piece : pieces) {
    const std::uint64_t place = piece.start - from + to;
    LLRUN_TRY(move_piece(calls, piece, place));
    piece.start = place;
  }
  return {};
}

}  // namespace

Result<LayoutCapture> capture_layout(HostPid pid, const MemoryOptions& options) {
  LayoutCapture capture;
  LLRUN_TRY_ASSIGN(const auto stat, read_stat(pid));
  copy_addresses(stat, capture.layout);
  note_executable(pid, capture.layout);
  LLRUN_TRY_ASSIGN(*capture.layout.mutable_auxv(), read_whole_file(proc(pid, "auxv")));
  LLRUN_TRY_ASSIGN(*capture.layout.mutable_vdso(), vdso_fingerprint(pid));
  LLRUN_TRY_ASSIGN(auto mappings, capture_mappings(pid, options));
  capture.layout.set_brk(stat.start_brk);
  for (auto& mapping : mappings.mappings) {
    if (mapping.backing() == image::Mapping::BACKING_HEAP) capture.layout.set_brk(mapping.end());
    *capture.layout.add_mappings() = std::move(mapping);
  }
  capture.pins = std::move(mappings.pins);
  return capture;
}

Result<> capture_brk(RemoteSyscalls& calls, image::MemoryLayout& layout) {
  LLRUN_TRY_ASSIGN(const auto brk, calls.call(SYS_brk, 0));
  layout.set_brk(brk);
  return {};
}

Result<std::string> vdso_fingerprint(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto maps, read_maps(pid));
  for (const auto& entry : maps) {
    if (entry.name != "[vdso]") continue;
    std::vector<std::byte> code(entry.size());
    LLRUN_TRY(read_memory(pid, RemoteAddr{entry.start}, code));
    return hex(XXH3_128bits(code.data(), code.size()));
  }
  return std::string();
}

Result<std::string> own_vdso_fingerprint() { return vdso_fingerprint(HostPid{::getpid()}); }

Result<> restore_layout(RemoteSyscalls& calls, RemoteArena arena, const image::MemoryLayout& layout,
                        int exe_fd) {
  arena.clear();
  LLRUN_TRY_ASSIGN(const auto auxv, arena.put(bytes_of(std::string_view(layout.auxv()))));
  prctl_mm_map map{};
  map.start_code = layout.start_code();
  map.end_code = layout.end_code();
  map.start_data = layout.start_data();
  map.end_data = layout.end_data();
  map.start_brk = layout.start_brk();
  map.brk = layout.brk();
  map.start_stack = layout.start_stack();
  map.arg_start = layout.arg_start();
  map.arg_end = layout.arg_end();
  map.env_start = layout.env_start();
  map.env_end = layout.env_end();
  map.auxv = reinterpret_cast<__u64*>(auxv.value);
  map.auxv_size = static_cast<__u32>(layout.auxv().size());
  map.exe_fd = static_cast<__u32>(exe_fd);
  LLRUN_TRY_ASSIGN(const auto place, arena.put_value(map));
  LLRUN_TRY(calls.call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, place, sizeof map, 0));
  return {};
}

Result<> move_kernel_mappings(RemoteSyscalls& calls, const image::MemoryLayout& layout) {
  LLRUN_TRY_ASSIGN(auto current, pieces_of(calls.pid()));
  const auto wanted = pieces_of(layout);
  if (wanted.empty()) {
    for (const auto& piece : current) LLRUN_TRY(calls.call(SYS_munmap, piece.start, piece.size));
    return {};
  }
  if (!same_shape(current, wanted))
    return failure(ErrorCode::kUnsupported,
                   "this kernel's vdso has other parts than the program's");
  const std::uint64_t from = current.front().start;
  const std::uint64_t to = wanted.front().start;
  if (from == to) return {};
  const std::uint64_t size = span_of(current);
  if (from < to + size && to < from + size) {
    LLRUN_TRY_ASSIGN(const auto aside, place_aside(calls.pid(), wanted, size));
    LLRUN_TRY(move_all(calls, current, aside));
  }
  return move_all(calls, current, to);
}

}  // namespace llrun::tracer
