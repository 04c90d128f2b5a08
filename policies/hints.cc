#include "policies/hints.h"

#include <charconv>

namespace llrun::policies {

namespace {

constexpr double kShort_s = 1, kLong_s = 3600;

std::optional<double> unit(std::string_view text) {
  if (text.empty() || text == "s") return 1;
  if (text == "m") return 60;
  if (text == "h") return 3600;
  return std::nullopt;
}

}  // namespace

Result<Hint> parse_hint(std::string_view text) {
  if (text == "never") return Hint{true, std::nullopt};
  if (text == "short") return Hint{false, kShort_s};
  if (text == "long") return Hint{false, kLong_s};
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const auto seconds = unit({rest, static_cast<std::size_t>(end - rest)});
  if (error != std::errc{} || !seconds || !(value >= 0))
    return failure(ErrorCode::kInvalid,
                   "a hint is never, short, long or CPU time as 90, 90s, 5m, 2h; not \"" +
                       std::string(text) + "\"");
  return Hint{false, value * *seconds};
}

Result<> Hints::add(std::string_view program, std::string_view text) {
  LLRUN_TRY_ASSIGN(hints_[std::string(program)], parse_hint(text));
  return {};
}

const Hint* Hints::find(std::string_view path) const {
  auto found = hints_.find(path);
  if (found == hints_.end()) found = hints_.find(path.substr(path.rfind('/') + 1));
  return found == hints_.end() ? nullptr : &found->second;
}

// A program that has outlived its hint is judged by the law again.
std::optional<double> hinted_remaining_s(const Hint* hint, double cpu_s) {
  if (hint == nullptr || !hint->expected_s || *hint->expected_s <= cpu_s) return std::nullopt;
  return *hint->expected_s - cpu_s;
}

}  // namespace llrun::policies
