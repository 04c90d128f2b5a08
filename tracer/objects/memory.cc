#include "tracer/objects/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "tracer/objects/mapping_pins.h"
#include "tracer/procfs/pagemap.h"

namespace llrun::tracer {
namespace {

bool same_file(const MapEntry& entry, const struct stat& status) {
  return status.st_dev == entry.device && status.st_ino == entry.inode;
}

// Some filesystems (btrfs) show another device in stat than in maps: map the file and look.
bool maps_as(const MapEntry& entry, const std::string& path) {
  const auto file = open_file(path, O_RDONLY);
  if (!file) return false;
  void* const at = ::mmap(nullptr, kPageSize, PROT_READ, MAP_PRIVATE, file->get(), 0);
  if (at == MAP_FAILED) return false;
  const auto address = reinterpret_cast<std::uint64_t>(at);
  const auto maps = parse_maps(read_whole_file("/proc/self/maps").value_or(""));
  ::munmap(at, kPageSize);
  return maps && std::ranges::any_of(*maps, [&](const auto& ours) {
           return ours.start <= address && address < ours.end && ours.device == entry.device &&
                  ours.inode == entry.inode;
         });
}

bool path_names_the_file(const MapEntry& entry) {
  struct stat status {};
  if (::stat(entry.name.c_str(), &status) != 0) return false;
  if (same_file(entry, status)) return true;
  return status.st_ino == entry.inode && S_ISREG(status.st_mode) && maps_as(entry, entry.name);
}

image::Mapping::Backing backing_of(const MapEntry& entry, const MemoryOptions& options) {
  if (entry.name == "[vdso]") return image::Mapping::BACKING_VDSO;
  if (entry.name.starts_with("[vvar")) return image::Mapping::BACKING_VVAR;
  if (entry.name == "[vsyscall]") return image::Mapping::BACKING_VSYSCALL;
  if (entry.name == "[stack]") return image::Mapping::BACKING_STACK;
  if (entry.name == "[heap]") return image::Mapping::BACKING_HEAP;
  if (!is_file(entry)) return image::Mapping::BACKING_ANONYMOUS;
  const bool named =
      options.names_the_file ? options.names_the_file(entry) : path_names_the_file(entry);
  return named ? image::Mapping::BACKING_FILE : image::Mapping::BACKING_FILE_COPIED;
}

std::uint32_t protection_of(const MapEntry& entry) {
  return (entry.readable ? unsigned{PROT_READ} : 0u) |
         (entry.writable ? unsigned{PROT_WRITE} : 0u) |
         (entry.executable ? unsigned{PROT_EXEC} : 0u);
}

// "[anon:name]" and "[anon_shmem:name]"
std::string given_name(const std::string& name) {
  for (const std::string_view prefix : {"[anon:", "[anon_shmem:"})
    if (name.starts_with(prefix))
      return name.substr(prefix.size(), name.size() - prefix.size() - 1);
  return {};
}

image::Mapping record_of(const MapEntry& entry, const MemoryOptions& options) {
  image::Mapping mapping;
  mapping.set_start(entry.start);
  mapping.set_end(entry.end);
  mapping.set_protection(protection_of(entry));
  mapping.set_shared(entry.shared);
  mapping.set_backing(backing_of(entry, options));
  if (entry.name.starts_with("/")) mapping.set_path(entry.name);
  mapping.set_offset(entry.offset);
  mapping.set_device(entry.device);
  mapping.set_inode(entry.inode);
  mapping.set_vm_flags(entry.vm_flags);
  mapping.set_name(given_name(entry.name));
  return mapping;
}

// An entry without the parts that lie in `hidden`.
std::vector<MapEntry> cut_out(const MapEntry& entry, const std::vector<RemoteRange>& hidden) {
  std::vector<MapEntry> parts{entry};
  for (const auto& hole : hidden) {
    std::vector<MapEntry> left;
    for (const auto& part : parts) {
      if (!RemoteRange{{part.start}, {part.end}}.overlaps(hole)) {
        left.push_back(part);
        continue;
      }
      auto before = part;
      before.end = hole.start.value;
      auto after = part;
      after.start = hole.end.value;
      after.offset += hole.end.value - part.start;
      if (part.start < hole.start.value) left.push_back(before);
      if (hole.end.value < part.end) left.push_back(after);
    }
    parts = std::move(left);
  }
  return parts;
}

image::PageRange page_range(std::uint64_t start, std::uint64_t end, image::PageRange::Kind kind) {
  image::PageRange range;
  range.set_start(start);
  range.set_pages((end - start) / kPageSize);
  range.set_kind(kind);
  return range;
}

bool travels_whole(const image::Mapping& mapping) {
  return mapping.backing() == image::Mapping::BACKING_FILE_COPIED ||
         (mapping.backing() == image::Mapping::BACKING_ANONYMOUS && mapping.shared());
}

Result<> plan_mapping(const PageMap& map, const image::Mapping& mapping,
                      std::vector<image::PageRange>& plan) {
  PageQuery query;
  query.inverted = kPageFile;
  query.all_of = kPageFile;  // inverted: not a file page
  query.any_of = kPagePresent | kPageSwapped | kPageGuard;
  query.returned = kPageZero | kPageGuard;
  LLRUN_TRY_ASSIGN(const auto regions, map.scan(mapping.start(), mapping.end(), query));
  for (const auto& region : regions) {
    const auto kind = region.categories & kPageGuard  ? image::PageRange::KIND_GUARD
                      : region.categories & kPageZero ? image::PageRange::KIND_ZERO
                                                      : image::PageRange::KIND_DATA;
    plan.push_back(page_range(region.start, region.end, kind));
  }
  return {};
}

bool is_zero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// Page by page, for a piece of which something cannot be read.
Result<> read_what_is_there(HostPid pid, RemoteAddr from, std::span<std::byte> buffer,
                            const PageSink& sink) {
  for (std::uint64_t at = 0; at < buffer.size(); at += kPageSize) {
    const auto page = buffer.subspan(at, kPageSize);
    auto read = read_memory_forced(pid, from + at, page);
    if (!read && (read.error().errno_value == EFAULT || read.error().errno_value == EIO)) continue;
    LLRUN_TRY(read);
    LLRUN_TRY(sink(from + at, page));
  }
  return {};
}

}  // namespace

Result<MappingCapture> capture_mappings(HostPid pid, const MemoryOptions& options) {
  LLRUN_TRY_ASSIGN(const auto entries, read_smaps(pid));
  MappingCapture capture;
  capture.pins = pins_of_mappings(pid, entries);
  for (const auto& entry : entries)
    for (const auto& part : cut_out(entry, options.not_the_programs))
      capture.mappings.push_back(record_of(part, options));
  return capture;
}

Result<Pins> memory_pins(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto entries, read_smaps(pid));
  return pins_of_mappings(pid, entries);
}

Result<std::vector<image::PageRange>> plan_pages(HostPid pid,
                                                 const std::vector<image::Mapping>& mappings) {
  LLRUN_TRY_ASSIGN(const auto map, PageMap::open(pid));
  std::vector<image::PageRange> plan;
  for (const auto& mapping : mappings) {
    if (is_kernel_mapping(mapping)) continue;
    if (travels_whole(mapping))
      plan.push_back(page_range(mapping.start(), mapping.end(), image::PageRange::KIND_DATA));
    else if (!mapping.shared())
      LLRUN_TRY(plan_mapping(map, mapping, plan));
  }
  return plan;
}

Result<> for_each_page_block(HostPid pid, const std::vector<image::PageRange>& plan,
                             const PageSink& sink, std::size_t piece) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(piece);
  for (const auto& range : plan) {
    if (range.kind() != image::PageRange::KIND_DATA) continue;
    const std::uint64_t size = range.pages() * kPageSize;
    for (std::uint64_t done = 0; done < size; done += piece) {
      const std::span part(buffer.get(), std::min<std::uint64_t>(piece, size - done));
      const RemoteAddr from{range.start() + done};
      const auto read = read_memory(pid, from, part);
      if (!read && read.error().code == ErrorCode::kGone) return read;
      LLRUN_TRY(read ? sink(from, part) : read_what_is_there(pid, from, part, sink));
    }
  }
  return {};
}

PageSink without_zero_pages(PageSink sink) {
  return
      [sink = std::move(sink)](RemoteAddr address, std::span<const std::byte> bytes) -> Result<> {
        std::size_t start = 0;
        for (std::size_t at = 0; at <= bytes.size(); at += kPageSize) {
          const bool end = at == bytes.size();
          if (!end && !is_zero(bytes.subspan(at, kPageSize))) continue;
          if (at > start) LLRUN_TRY(sink(address + start, bytes.subspan(start, at - start)));
          start = at + kPageSize;
        }
        return {};
      };
}

bool is_kernel_mapping(const image::Mapping& mapping) {
  return mapping.backing() == image::Mapping::BACKING_VDSO ||
         mapping.backing() == image::Mapping::BACKING_VVAR ||
         mapping.backing() == image::Mapping::BACKING_VSYSCALL;
}

bool is_file_mapping(const image::Mapping& mapping) {
  return mapping.backing() == image::Mapping::BACKING_FILE;
}

bool has_vm_flag(const image::Mapping& mapping, std::string_view flag) {
  MapEntry entry;
  entry.vm_flags = mapping.vm_flags();
  return entry.has_flag(flag);
}

}  // namespace llrun::tracer
