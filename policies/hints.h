// Hints: what the user says of programs in llrun.conf, section [programs]: `povray = long`, `ls =
// never`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace llrun::policies {

struct Hint {
  bool never = false;                // stays where it is started, always
  std::optional<double> expected_s;  // CPU seconds it is expected to need
};

// "never"; "short" (a second), "long" (an hour); or a number of CPU seconds, with s, m or h.
[[nodiscard]] Result<Hint> parse_hint(std::string_view text);

class Hints {
 public:
  // `program`: a path, or a name that is compared with the last part of paths.
  [[nodiscard]] Result<> add(std::string_view program, std::string_view text);
  // The path's own hint, else its name's; null: none.
  [[nodiscard]] const Hint* find(std::string_view path) const;

 private:
  std::map<std::string, Hint, std::less<>> hints_;
};

// Remaining CPU seconds of a process that has used `cpu_s` under this hint; none: the hint says
// nothing (more).
[[nodiscard]] std::optional<double> hinted_remaining_s(const Hint* hint, double cpu_s);

}  // namespace llrun::policies
