#include "tracer/procfs/smaps.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <optional>

#include "base/fd.h"
#include "tracer/procfs/ending.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

// The next blank-separated word, taken off the front.
std::string_view next_word(std::string_view& text) {
  const auto start = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(start);
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> hex_pair(std::string_view word,
                                                                char separator) {
  const auto middle = word.find(separator);
  if (middle == std::string_view::npos) return std::nullopt;
  const auto first = parse_number<std::uint64_t>(word.substr(0, middle), 16);
  const auto second = parse_number<std::uint64_t>(word.substr(middle + 1), 16);
  if (!first || !second) return std::nullopt;
  return std::pair{*first, *second};
}

// The kernel writes a newline in a name as \012 (fs/proc/task_mmu.c, seq_path with "\n").
std::string unescape(std::string_view name) {
  std::string text(name);
  for (auto at = text.find("\\012"); at != std::string::npos; at = text.find("\\012", at + 1))
    text.replace(at, 4, "\n");
  return text;
}

// "55d0c0a00000-55d0c0a02000 r--p 00000000 fe:00 332  /usr/bin/cat"
std::optional<MapEntry> parse_header(std::string_view line) {
  const auto range = hex_pair(next_word(line), '-');
  const auto rights = next_word(line);
  const auto offset = parse_number<std::uint64_t>(next_word(line), 16);
  const auto device = hex_pair(next_word(line), ':');
  const auto inode = parse_number<std::uint64_t>(next_word(line));
  if (!range || rights.size() != 4 || !offset || !device || !inode) return std::nullopt;
  MapEntry entry;
  entry.start = range->first;
  entry.end = range->second;
  entry.readable = rights[0] == 'r';
  entry.writable = rights[1] == 'w';
  entry.executable = rights[2] == 'x';
  entry.shared = rights[3] == 's';
  entry.offset = *offset;
  entry.device =
      makedev(static_cast<unsigned>(device->first), static_cast<unsigned>(device->second));
  entry.inode = *inode;
  const auto name = std::min(line.find_first_not_of(' '), line.size());
  entry.name = unescape(line.substr(name));
  return entry;
}

std::uint64_t kibibytes(std::string_view value) {
  auto text = trim(value);
  return parse_number<std::uint64_t>(next_word(text)).value_or(0) * 1024;
}

// "Rss:  4 kB", "VmFlags: rd mr mw me"
void take_detail(MapEntry& entry, std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const auto key = line.substr(0, colon);
  const auto value = line.substr(colon + 1);
  if (key == "Rss") entry.resident = kibibytes(value);
  if (key == "Private_Dirty") entry.private_dirty = kibibytes(value);
  if (key == "ProtectionKey") entry.protection_key = parse_number<int>(trim(value)).value_or(0);
  if (key == "VmFlags") entry.vm_flags = trim(value);
}

bool is_header(std::string_view line) {
  const auto dash = line.find('-');
  const auto colon = line.find(':');
  return dash != std::string_view::npos && (colon == std::string_view::npos || dash < colon) &&
         !line.empty() && line.find_first_not_of("0123456789abcdef") == dash;
}

Result<std::vector<MapEntry>> read(HostPid pid, const char* file) {
  const auto path = "/proc/" + std::to_string(pid.value) + "/" + file;
  auto text = read_whole_file(path);
  // Empty where there is no memory any more: every program has the kernel's own mappings at least.
  const bool ended = text ? text->empty() : text.error().errno_value == ENOENT;
  if (ended)
    return failure(ErrorCode::kGone, "process " + std::to_string(pid.value) + " has ended");
  if (!text) return std::unexpected(ended_or(pid, text.error()));
  return parse_maps(*text);
}

}  // namespace

bool MapEntry::has_flag(std::string_view flag) const {
  std::string_view flags = vm_flags;
  while (!flags.empty())
    if (next_word(flags) == flag) return true;
  return false;
}

Result<std::vector<MapEntry>> parse_maps(std::string_view text) {
  std::vector<MapEntry> entries;
  for (const auto line : split_lines(text)) {
    if (line.empty()) continue;
    if (!is_header(line)) {
      if (!entries.empty()) take_detail(entries.back(), line);
      continue;
    }
    auto entry = parse_header(line);
    if (!entry)
      return failure(ErrorCode::kProtocol, "understand a line of maps: " + std::string(line));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<std::vector<MapEntry>> read_maps(HostPid pid) { return read(pid, "maps"); }
Result<std::vector<MapEntry>> read_smaps(HostPid pid) { return read(pid, "smaps"); }

}  // namespace llrun::tracer
