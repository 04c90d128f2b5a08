#include "tracer/objects/mapping_pins.h"

#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "tracer/procfs/directory.h"

namespace llrun::tracer {
namespace {

using FileId = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
constexpr std::uint64_t kMaxSharedMemory = 1ULL << 30;

std::string place(const MapEntry& entry) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "the memory at %#llx",
                static_cast<unsigned long long>(entry.start));
  return entry.name.empty() ? text.data() : text.data() + (" (" + entry.name + ")");
}

bool is_system_v(const MapEntry& entry) { return entry.name.starts_with("/SYSV"); }

std::optional<Pin> pin_of_kind(const MapEntry& entry) {
  const bool of_device = entry.has_flag("mm") && entry.name.starts_with("/dev/");
  if (entry.has_flag("pf") || entry.has_flag("io") || of_device)
    return Pin{place(entry) + " belongs to a device", "it can move once the device is unmapped"};
  if (entry.name.starts_with("/secretmem"))
    return Pin{place(entry) + " is memory that only its own process may read (memfd_secret)",
               "it can move once the memory is unmapped"};
  if (entry.has_flag("ht"))
    return Pin{place(entry) + " uses huge pages of the node's own pool (hugetlbfs)",
               "run the program with transparent huge pages instead"};
  if (entry.has_flag("um") || entry.has_flag("uw") || entry.has_flag("ui"))
    return Pin{place(entry) + " is watched through userfaultfd",
               "it can move once the program closes its userfaultfd"};
  if (entry.has_flag("ss"))
    return Pin{place(entry) + " is a shadow stack",
               "run the program without shadow stacks (GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)"};
  if (entry.has_flag("sl"))
    return Pin{
        place(entry) + " is sealed (mseal), and could not be made room for when it comes home",
        "run the program without sealing its memory"};
  if (entry.name == "[stack]" && entry.has_flag("lo"))
    return Pin{"all its memory is locked, perhaps what it will map, too (mlockall)",
               "it can move once it has called munlockall"};
  if (entry.protection_key != 0)
    return Pin{place(entry) + " is guarded by a memory protection key",
               "run the program without protection keys"};
  return std::nullopt;
}

std::optional<Pin> pin_of_sharing(const MapEntry& entry) {
  if (!entry.shared) return std::nullopt;
  if (is_system_v(entry))
    return Pin{place(entry) + " is System V shared memory", "it can move once it has detached it"};
  if (is_shared_anonymous(entry)) {
    if (entry.size() <= kMaxSharedMemory) return std::nullopt;
    return Pin{place(entry) + " is shared memory of more than 1 GiB",
               "it can move once the memory is unmapped"};
  }
  if (entry.writable && is_file(entry))
    return Pin{place(entry) + " is written straight into a file that others may read",
               entry.name.find("/hsperfdata_") != std::string::npos
                   ? "start Java with -XX:-UsePerfData"
                   : "it can move once the file is unmapped"};
  // VM_SHARED of a file is kept only where it was opened for writing (mm/mmap.c, do_mmap): mprotect
  // would make it writable. A guest's is opened for reading.
  if (entry.has_flag("sh") && is_file(entry))
    return Pin{place(entry) + " may be made writable, and is a file that others may read",
               "it can move once the file is unmapped, or is mapped as opened for reading only"};
  return std::nullopt;
}

// Files of which another process of this user might map the same memory.
std::set<FileId> shared_memory(const std::vector<MapEntry>& entries) {
  std::set<FileId> files;
  for (const auto& entry : entries)
    if (entry.shared && is_shared_anonymous(entry)) files.insert({entry.device, entry.inode});
  return files;
}

void pin_shared_memory(HostPid pid, const std::set<FileId>& files, Pins& pins) {
  if (files.empty()) return;
  const auto processes = list_processes();
  if (!processes) return;
  for (const auto other : *processes) {
    const auto maps =
        other == pid ? std::vector<MapEntry>() : read_maps(other).value_or(std::vector<MapEntry>());
    for (const auto& entry : maps) {
      if (!entry.shared || !files.contains(FileId{entry.device, entry.inode})) continue;
      pins.push_back({"process " + std::to_string(other.value) + " shares memory with it",
                      "it can move once that process has ended or unmapped the memory"});
      break;
    }
  }
}

// The same shared memory at two places: writing one shows in the other, which two copies would not.
void pin_double_mappings(const std::vector<MapEntry>& entries, Pins& pins) {
  std::map<FileId, std::vector<const MapEntry*>> by_file;
  for (const auto& entry : entries) {
    if (!entry.shared || !is_shared_anonymous(entry)) continue;
    for (const auto* other : by_file[{entry.device, entry.inode}])
      if (entry.offset < other->offset + other->size() &&
          other->offset < entry.offset + entry.size())
        pins.push_back({place(entry) + " is mapped twice", "it can move once one is unmapped"});
    by_file[{entry.device, entry.inode}].push_back(&entry);
  }
}

}  // namespace

// What is shared counts, too, but for files: its pages cannot be written but through a mapping that
// may be (mm/gup.c, check_vma_flags).
std::optional<Pin> forbidden_memory_pin(const image::MemoryLayout& layout) {
  if (layout.mdwe() == 0) return std::nullopt;
  for (const auto& mapping : layout.mappings()) {
    const bool filled = mapping.shared() && mapping.backing() != image::Mapping::BACKING_FILE;
    const bool writable = (mapping.protection() & PROT_WRITE) != 0;
    if ((mapping.protection() & PROT_EXEC) == 0 || !(filled || writable)) continue;
    std::array<char, 24> address{};
    std::snprintf(address.data(), address.size(), "%#llx",
                  static_cast<unsigned long long>(mapping.start()));
    return Pin{std::string("it has denied itself memory both written and executed (PR_SET_MDWE), "
                           "and has such memory from before at ") +
                   address.data(),
               "it can move once that memory is unmapped"};
  }
  return std::nullopt;
}

bool is_shared_anonymous(const MapEntry& entry) {
  return entry.name == "/dev/zero (deleted)" || entry.name.starts_with("[anon_shmem:");
}

bool is_file(const MapEntry& entry) {
  return entry.inode != 0 && entry.name.starts_with("/") && !is_shared_anonymous(entry);
}

Pins pins_of_mappings(HostPid pid, const std::vector<MapEntry>& entries) {
  Pins pins;
  for (const auto& entry : entries) {
    if (entry.name.starts_with("[v")) continue;  // vdso, vvar, vsyscall: the kernel's own
    if (auto pin = pin_of_kind(entry)) pins.push_back(*pin);
    if (auto pin = pin_of_sharing(entry)) pins.push_back(*pin);
  }
  pin_double_mappings(entries, pins);
  pin_shared_memory(pid, shared_memory(entries), pins);
  return pins;
}

}  // namespace llrun::tracer
