#include "tracer/procfs/net_tables.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

constexpr std::string_view kListen = "0A";        // TCP_LISTEN, include/net/tcp_states.h
constexpr std::uint32_t kUnixListens = 1U << 16;  // __SO_ACCEPTCON

// Groups of eight hexadecimal digits, each a word in this machine's order.
template <std::size_t Words>
std::optional<std::array<std::uint32_t, Words>> parse_address(std::string_view hex) {
  std::array<std::uint32_t, Words> words{};
  if (hex.size() != Words * 8) return std::nullopt;
  for (std::size_t i = 0; i < Words; ++i) {
    const auto word = parse_number<std::uint32_t>(hex.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  return words;
}

template <std::size_t Words>
std::optional<std::string> address_text(std::string_view hex, int family) {
  const auto words = parse_address<Words>(hex);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!words || ::inet_ntop(family, words->data(), text.data(), text.size()) == nullptr)
    return std::nullopt;
  return family == AF_INET6 ? "[" + std::string(text.data()) + "]" : std::string(text.data());
}

// "0100007F:1F90"
std::optional<std::string> endpoint_text(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_number<unsigned>(word.substr(colon + 1), 16);
  const auto hex = word.substr(0, colon);
  const auto address =
      hex.size() == 8 ? address_text<1>(hex, AF_INET) : address_text<4>(hex, AF_INET6);
  if (!port || !address) return std::nullopt;
  return *address + ":" + std::to_string(*port);
}

bool is_unset(std::string_view endpoint) {
  return endpoint.find_first_not_of("0:") == std::string_view::npos;
}

}  // namespace

std::optional<InetSocket> find_inet_socket(std::string_view table, std::uint64_t inode) {
  const std::string wanted = std::to_string(inode);
  for (const auto line : split_lines(table)) {
    const auto words = split_words(line);
    if (words.size() < 10 || words[9] != wanted) continue;
    const auto local = endpoint_text(words[1]);
    const auto remote = endpoint_text(words[2]);
    if (!local || !remote) return std::nullopt;
    return InetSocket{*local, is_unset(words[2]) ? std::string{} : *remote, words[3] == kListen};
  }
  return std::nullopt;
}

std::optional<UnixSocket> find_unix_socket(std::string_view table, std::uint64_t inode) {
  const std::string wanted = std::to_string(inode);
  for (const auto line : split_lines(table)) {
    const auto words = split_words(line);
    if (words.size() < 7 || words[6] != wanted) continue;
    const auto flags = parse_number<std::uint32_t>(words[3], 16).value_or(0);
    UnixSocket socket{{}, (flags & kUnixListens) != 0};
    if (words.size() > 7)  // the rest of the line: a path may hold blanks
      socket.path = line.substr(static_cast<std::size_t>(words[7].data() - line.data()));
    return socket;
  }
  return std::nullopt;
}

bool lists_inode(std::string_view table, std::uint64_t inode) {
  const std::string wanted = std::to_string(inode);
  for (const auto line : split_lines(table))
    for (const auto word : split_words(line))
      if (word == wanted) return true;
  return false;
}

}  // namespace llrun::tracer
