#include "netproxy/channel/printed_text.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"

namespace llrun {
namespace {

constexpr std::size_t kMostShown = 120;

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= ' ' || c == '\t' || c == '\r' || c == '\033';
}

}  // namespace

std::optional<std::string> printed_line(std::span<const std::byte> bytes) {
  std::string_view text = text_of(bytes);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  text.remove_prefix(first);
  text = text.substr(0, text.find('\n'));
  if (!std::ranges::all_of(text, is_text)) return std::nullopt;
  std::string line(text.substr(0, kMostShown));
  std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  if (text.size() > kMostShown) line += "...";
  return line;
}

Error not_frames(std::span<const std::byte> bytes, const Error& otherwise) {
  const auto line = printed_line(bytes);
  if (!line) return otherwise;
  return {ErrorCode::kProtocol, 0,
          "\"" + *line +
              "\" was printed where llrund's first word should be: something that runs at each "
              "login there (.bashrc, .profile, ~/.ssh/rc) writes to standard output. Let it do so "
              "on a terminal only: if [ -t 1 ]; then ...; fi"};
}

}  // namespace llrun
