#include "tracer/procfs/vdso.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace llrun::tracer {
namespace {

bool is_part(const MapEntry& entry) {
  return entry.name == "[vdso]" || entry.name.starts_with("[vvar");
}

}  // namespace

std::string vdso_parts(std::span<const MapEntry> entries) {
  std::string text;
  std::uint64_t first = 0;
  for (const auto& entry : entries) {
    if (!is_part(entry)) continue;
    if (text.empty()) first = entry.start;
    std::array<char, 64> part{};
    std::snprintf(part.data(), part.size(), "%s%s+%llx:%llx", text.empty() ? "" : " ",
                  entry.name == "[vdso]" ? "vdso" : "vvar",
                  static_cast<unsigned long long>(entry.start - first),
                  static_cast<unsigned long long>(entry.size()));
    text += part.data();
  }
  return text;
}

bool is_vdso_sealed(std::span<const MapEntry> entries) {
  return std::ranges::any_of(
      entries, [](const MapEntry& entry) { return is_part(entry) && entry.has_flag("sl"); });
}

}  // namespace llrun::tracer
