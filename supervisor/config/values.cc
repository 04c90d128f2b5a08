#include "supervisor/config/values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace llrun::config {
namespace {

std::unexpected<Error> invalid(std::string_view text, const char* wanted) {
  return failure(ErrorCode::kInvalid, "\"" + std::string(text) + "\" is not " + wanted);
}

// The words of one command line, built up a character at a time.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> run() {
    while (at_ < text_.size()) LLRUN_TRY(take());
    end_word();
    if (words_.empty()) return failure(ErrorCode::kInvalid, "the command is empty");
    return std::move(words_);
  }

 private:
  Result<> take() {
    const char c = text_[at_++];
    if (c == ' ' || c == '\t') return end_word(), Result<>{};
    in_word_ = true;
    if (c == '\'' || c == '"') return quoted(c);
    if (c == '\\' && at_ < text_.size()) {
      word_ += text_[at_++];
    } else {
      word_ += c;
    }
    return {};
  }

  Result<> quoted(char quote) {
    constexpr std::string_view kEscapable = "\"\\$`";
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == quote) return {};
      const bool escapes =
          quote == '"' && c == '\\' && at_ < text_.size() && kEscapable.contains(text_[at_]);
      word_ += escapes ? text_[at_++] : c;
    }
    return invalid(text_, "a command: a quote is not closed");
  }

  void end_word() {
    if (in_word_) words_.push_back(std::exchange(word_, {}));
    in_word_ = false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> words_;
  std::string word_;
  bool in_word_ = false;
};

struct Unit {
  std::string_view name;
  double milliseconds;
};
constexpr std::array<Unit, 7> kUnits{
    {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
constexpr double kLongest = 366 * 86400e3;

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& unit : kUnits) {
    const double total = value * unit.milliseconds;
    if (error == std::errc{} && suffix == unit.name && total >= 0 && total <= kLongest)
      return std::chrono::milliseconds(std::llround(total));
  }
  return invalid(text, "a time such as 5s, 500ms, 10min or 2h");
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc{} || end != last || !std::isfinite(value) || value < 0)
    return invalid(text, "a number that is zero or more");
  return value;
}

Result<long> parse_integer(std::string_view text) {
  long value = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc{} || end != last) return invalid(text, "a whole number");
  return value;
}

Result<bool> parse_switch(std::string_view text) {
  for (const auto* yes : {"on", "yes", "true", "1"})
    if (text == yes) return true;
  for (const auto* no : {"off", "no", "false", "0"})
    if (text == no) return false;
  return invalid(text, "on or off");
}

Result<std::vector<std::string>> split_command(std::string_view text) {
  return Splitter(text).run();
}

}  // namespace llrun::config
