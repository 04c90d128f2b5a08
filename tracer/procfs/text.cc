#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {
constexpr std::string_view kBlanks = " \t\n";
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(kBlanks, at)) != std::string_view::npos;) {
    const auto end = text.find_first_of(kBlanks, at);
    words.push_back(text.substr(at, end - at));
    at = end == std::string_view::npos ? text.size() : end;
  }
  return words;
}

std::optional<std::string_view> value_of(std::string_view text, std::string_view key) {
  for (const auto line : split_lines(text)) {
    if (line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != ':') continue;
    return trim(line.substr(key.size() + 1));
  }
  return std::nullopt;
}

}  // namespace llrun::tracer
