#include "tracer/objects/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "tracer/objects/mapped_files.h"
#include "tracer/objects/mapping_pins.h"
#include "tracer/procfs/pagemap.h"

namespace llrun::tracer {
namespace {

using Standings = std::map<FileName, Standing>;

bool is_named(const MapEntry& entry, const Standings& standings) {
  const auto found = standings.find({entry.name, entry.device, entry.inode});
  return found != standings.end() && found->second.leads == NameLeads::kToIt;
}

image::Mapping::Backing backing_of(const MapEntry& entry, const MemoryOptions& options,
                                   const Standings& standings) {
  if (entry.name == "[vdso]") return image::Mapping::BACKING_VDSO;
  if (entry.name.starts_with("[vvar")) return image::Mapping::BACKING_VVAR;
  if (entry.name == "[vsyscall]") return image::Mapping::BACKING_VSYSCALL;
  if (entry.name == "[stack]") return image::Mapping::BACKING_STACK;
  if (entry.name == "[heap]") return image::Mapping::BACKING_HEAP;
  if (!is_file(entry)) return image::Mapping::BACKING_ANONYMOUS;
  const bool named =
      options.names_the_file ? options.names_the_file(entry) : is_named(entry, standings);
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

image::Mapping record_of(const MapEntry& entry, const MemoryOptions& options,
                         const Standings& standings) {
  image::Mapping mapping;
  mapping.set_start(entry.start);
  mapping.set_end(entry.end);
  mapping.set_protection(protection_of(entry));
  mapping.set_shared(entry.shared);
  mapping.set_backing(backing_of(entry, options, standings));
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

void append(Pins& pins, Pins more) { pins.insert(pins.end(), more.begin(), more.end()); }

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

Result<std::vector<PageRegion>> guards_in(const PageMap& map, const image::Mapping& mapping) {
  PageQuery query;
  query.all_of = kPageGuard;
  return map.scan(mapping.start(), mapping.end(), query);
}

std::string hexadecimal(RemoteAddr address) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%#llx", static_cast<unsigned long long>(address.value));
  return text.data();
}

bool is_zero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// All of a mapping travels, but for its guard pages.
Result<> plan_whole(const PageMap& map, const image::Mapping& mapping,
                    std::vector<image::PageRange>& plan) {
  LLRUN_TRY_ASSIGN(const auto guards, guards_in(map, mapping));
  std::uint64_t from = mapping.start();
  for (const auto& guard : guards) {
    if (from < guard.start)
      plan.push_back(page_range(from, guard.start, image::PageRange::KIND_DATA));
    plan.push_back(page_range(guard.start, guard.end, image::PageRange::KIND_GUARD));
    from = guard.end;
  }
  if (from < mapping.end())
    plan.push_back(page_range(from, mapping.end(), image::PageRange::KIND_DATA));
  return {};
}

// Nothing of a shared file travels, but that a page of it is guarded.
Result<> plan_guards(const PageMap& map, const image::Mapping& mapping,
                     std::vector<image::PageRange>& plan) {
  LLRUN_TRY_ASSIGN(const auto guards, guards_in(map, mapping));
  for (const auto& guard : guards)
    plan.push_back(page_range(guard.start, guard.end, image::PageRange::KIND_GUARD));
  return {};
}

// Page by page, for a piece of which something cannot be read. A page that the program has and that
// cannot be read (its memory is broken, its swap is gone) must not arrive as zeros. What may be
// missing is the end of a mapped file: pages that it does not have, with none behind them that it
// has.
class PageByPage {
 public:
  PageByPage(HostPid pid, const PageSink& sink) : pid_(pid), sink_(sink) {}
  void begin_range() { file_ended_ = false; }

  Result<> read(RemoteAddr from, std::span<std::byte> buffer) {
    for (std::uint64_t at = 0; at < buffer.size(); at += kPageSize)
      LLRUN_TRY(read_page(from + at, buffer.subspan(at, kPageSize)));
    return {};
  }
  Result<> pass_on(RemoteAddr from, std::span<const std::byte> bytes) {
    if (file_ended_)
      return failure(ErrorCode::kRefused,
                     "a page of the program's memory below " + hexadecimal(from) +
                         " cannot be read (a file that it has mapped has errors)");
    return sink_(from, bytes);
  }

 private:
  Result<> read_page(RemoteAddr page, std::span<std::byte> into) {
    auto read = read_memory_forced(pid_, page, into);
    if (read) return pass_on(page, into);
    if (read.error().errno_value != EFAULT && read.error().errno_value != EIO) return read;
    LLRUN_TRY_ASSIGN(const bool there, has_page(page));
    if (there)
      return failure(ErrorCode::kRefused, "the page of the program's memory at " +
                                              hexadecimal(page) +
                                              " cannot be read: " + read.error().message());
    file_ended_ = true;
    return {};
  }

  // Anonymous pages are only planned where there are any, so what is not there is a file's.
  Result<bool> has_page(RemoteAddr page) const {
    LLRUN_TRY_ASSIGN(const auto map, PageMap::open(pid_));
    PageQuery query;
    query.any_of = kPagePresent | kPageSwapped;
    LLRUN_TRY_ASSIGN(const auto found, map.scan(page.value, page.value + kPageSize, query));
    return !found.empty();
  }

  HostPid pid_;
  const PageSink& sink_;
  bool file_ended_ = false;
};

}  // namespace

Result<MappingCapture> capture_mappings(HostPid pid, const MemoryOptions& options) {
  LLRUN_TRY_ASSIGN(const auto entries, read_smaps(pid));
  MappingCapture capture;
  capture.pins = pins_of_mappings(pid, entries);
  Standings standings;
  if (!options.names_the_file) {
    standings = look_up(names_in(entries));
    append(capture.pins, pins_of_names(standings));
  }
  for (const auto& entry : entries)
    for (const auto& part : cut_out(entry, options.not_the_programs))
      capture.mappings.push_back(record_of(part, options, standings));
  return capture;
}

Result<Pins> memory_pins(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto entries, read_smaps(pid));
  Pins pins = pins_of_mappings(pid, entries);
  append(pins, pins_of_names(look_up(names_in(entries))));
  return pins;
}

Result<std::vector<image::PageRange>> plan_pages(HostPid pid,
                                                 const std::vector<image::Mapping>& mappings) {
  LLRUN_TRY_ASSIGN(const auto map, PageMap::open(pid));
  std::vector<image::PageRange> plan;
  for (const auto& mapping : mappings) {
    if (is_kernel_mapping(mapping)) continue;
    if (travels_whole(mapping))
      LLRUN_TRY(plan_whole(map, mapping, plan));
    else if (!mapping.shared())
      LLRUN_TRY(plan_mapping(map, mapping, plan));
    else
      LLRUN_TRY(plan_guards(map, mapping, plan));
  }
  return plan;
}

Result<> for_each_page_block(HostPid pid, const std::vector<image::PageRange>& plan,
                             const PageSink& sink, std::size_t piece) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(piece);
  PageByPage page_by_page(pid, sink);
  for (const auto& range : plan) {
    if (range.kind() != image::PageRange::KIND_DATA) continue;
    page_by_page.begin_range();
    const std::uint64_t size = range.pages() * kPageSize;
    for (std::uint64_t done = 0; done < size; done += piece) {
      const std::span part(buffer.get(), std::min<std::uint64_t>(piece, size - done));
      const RemoteAddr from{range.start() + done};
      const auto read = read_memory(pid, from, part);
      if (!read && read.error().code == ErrorCode::kGone) return read;
      LLRUN_TRY(read ? page_by_page.pass_on(from, part) : page_by_page.read(from, part));
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

bool is_droppable(const image::Mapping& mapping) { return has_vm_flag(mapping, "dp"); }

Result<bool> has_droppable_memory(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto entries, read_smaps(pid));
  return std::ranges::any_of(entries, [](const MapEntry& entry) { return entry.has_flag("dp"); });
}

Result<bool> has_guard_pages(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto entries, read_maps(pid));
  LLRUN_TRY_ASSIGN(const auto map, PageMap::open(pid));
  for (const auto& entry : entries) {
    if (entry.name.starts_with("[v")) continue;
    PageQuery query;
    query.all_of = kPageGuard;
    LLRUN_TRY_ASSIGN(const auto guards, map.scan(entry.start, entry.end, query));
    if (!guards.empty()) return true;
  }
  return false;
}

bool has_vm_flag(const image::Mapping& mapping, std::string_view flag) {
  MapEntry entry;
  entry.vm_flags = mapping.vm_flags();
  return entry.has_flag(flag);
}

}  // namespace llrun::tracer
