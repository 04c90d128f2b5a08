// ProgramKey: what makes two runs runs of the same program.
#pragma once

#include <compare>
#include <string>

namespace llrun::history {

struct ProgramKey {
  std::string path;      // of the executable
  std::string build_id;  // hexadecimal; empty: it has none, or it could not be read
  friend auto operator<=>(const ProgramKey&, const ProgramKey&) = default;
};

}  // namespace llrun::history
