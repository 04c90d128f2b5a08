// Mappings that say what a process is tied to. What each mapping's pages are is the business of
// memory's capture.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "tracer/objects/mapping_room.h"
#include "tracer/objects/pins_parts.h"
#include "tracer/procfs/smaps.h"
#include "tracer/procfs/text.h"
#include "tracer/procfs/vdso.h"

namespace llrun::tracer {
namespace {

struct TellingMapping {
  std::string_view begins;  // the path in /proc/PID/maps
  const char* what;
  const char* remedy;
};

constexpr std::array kTelling = {
    TellingMapping{"anon_inode:[io_uring]", "it uses io_uring",
                   "it can move once it has closed it"},
    TellingMapping{"anon_inode:[perf_event]", "it reads performance counters (perf)",
                   "it can move once it has closed them"},
    TellingMapping{"/SYSV", "it has System V shared memory attached",
                   "it can move once it has detached that (shmdt)"},
    TellingMapping{"/[aio]", "it uses kernel asynchronous I/O (io_setup)",
                   "it can move once it has called io_destroy"},
    TellingMapping{"[uprobes]", "a tracing tool has probes in it (uprobes)",
                   "it can move once the tool has ended"},
    TellingMapping{"socket:[", "it has a socket's buffers mapped",
                   "it can move once these are unmapped"},
    TellingMapping{"/dev/dri/", "it has a graphics device mapped",
                   "it can move once that is unmapped"}};

// The sixth word and what follows it: a path may hold blanks.
std::string_view path_in(std::string_view line) {
  const auto words = split_words(line);
  if (words.size() < 6) return {};
  return line.substr(static_cast<std::size_t>(words[5].data() - line.data()));
}

// Neither a file nor memory of the kernel's own making: "anon_inode:kvm-vcpu:0". What such a thing
// is tied to is unknown, so that it cannot be made again elsewhere.
bool is_of_unknown_kind(std::string_view path) {
  return !path.empty() && !path.starts_with('/') && !path.starts_with('[');
}

// All 64-bit programs of a kernel have the same parts; a 32-bit one has a pin of its own.
std::optional<Pin> changed_vdso_pin(const std::vector<MapEntry>& entries) {
  constexpr std::uint64_t kOf32Bits = 1ULL << 32;
  const auto vdso = std::ranges::find(entries, "[vdso]", &MapEntry::name);
  const auto own = read_maps(HostPid{::getpid()});
  if (vdso == entries.end() || vdso->start < kOf32Bits || !own) return std::nullopt;
  if (vdso_parts(entries) == vdso_parts(*own)) return std::nullopt;
  return Pin{"it has moved or unmapped a part of the vdso (the kernel's fast clock page)",
             "let it keep that mapping as the kernel has made it"};
}

// The stub is mapped into the stopped program.
std::optional<Pin> full_map_pin(std::size_t mappings) {
  const auto text = read_whole_file("/proc/sys/vm/max_map_count").value_or("");
  const auto most = parse_number<std::uint64_t>(trim(text));
  if (!most || mappings + kSpareMappings <= *most) return std::nullopt;
  return Pin{
      "it has " + std::to_string(mappings) + " mappings, all that a program may have",
      "raise vm.max_map_count (" + std::to_string(*most) + "); it can move once some are unmapped"};
}

}  // namespace

void add_mapping_pins(HostPid pid, Pins& pins) {
  const auto text = read_whole_file("/proc/" + std::to_string(pid.value) + "/maps");
  if (!text || text->empty()) return;
  std::array<bool, kTelling.size()> seen{};
  bool has_vdso = false;
  std::set<std::string> unknown;
  for (const auto line : split_lines(*text)) {
    const auto path = path_in(line);
    has_vdso = has_vdso || path == "[vdso]";
    bool told = false;
    for (std::size_t i = 0; i < kTelling.size(); ++i) {
      const bool matches = path.starts_with(kTelling[i].begins);
      seen[i] = seen[i] || matches;
      told = told || matches;
    }
    if (!told && is_of_unknown_kind(path)) unknown.insert(std::string(path));
  }
  for (const std::string& path : unknown)
    pins.push_back({"it has " + path + " mapped, which llrun does not know how to carry",
                    "it can move once that is unmapped"});
  for (std::size_t i = 0; i < kTelling.size(); ++i)
    if (seen[i]) pins.push_back({kTelling[i].what, kTelling[i].remedy});
  if (!has_vdso)
    pins.push_back({"it has no vdso (the kernel's fast clock page)",
                    "start it on a kernel without vdso=0, and let it keep that mapping"});
  const auto entries = parse_maps(*text);
  if (!entries) return;
  if (auto pin = changed_vdso_pin(*entries)) pins.push_back(std::move(*pin));
  if (auto pin = full_map_pin(entries->size())) pins.push_back(std::move(*pin));
}

}  // namespace llrun::tracer
