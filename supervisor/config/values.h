// How values are written in llrun.conf, on command lines and in the environment.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace llrun::config {

// "5s", "500ms", "10min", "2h"; a bare number is seconds.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
[[nodiscard]] Result<double> parse_number(std::string_view text);  // not negative
[[nodiscard]] Result<long> parse_integer(std::string_view text);
[[nodiscard]] Result<bool> parse_switch(std::string_view text);  // on off yes no true false 1 0
// Words as a shell splits them: blanks, '…', "…" with \" \\ \$ \`, and \ before any character.
// Nothing is expanded. Refuses an open quote and an empty command.
[[nodiscard]] Result<std::vector<std::string>> split_command(std::string_view text);

}  // namespace llrun::config
