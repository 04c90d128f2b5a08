// Small words for reading the text of /proc: lines, words, numbers. Views into the text given.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

namespace llrun::tracer {

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text);
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);  // at blanks

// The whole of `text` as a number, or nothing.
template <typename T>
[[nodiscard]] std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The value of the line "key:\tvalue", or nothing.
[[nodiscard]] std::optional<std::string_view> value_of(std::string_view text, std::string_view key);

}  // namespace llrun::tracer
