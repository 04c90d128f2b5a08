// Finding: one thing that a kernel, an account or a path must offer: it does, or what is missing
// and the exact setting that would change it.
#pragma once

#include <string>

namespace llrun::doctor {

struct Finding {
  enum class Level {
    kOk,
    kNote,     // works, with something less
    kMissing,  // something that llrun is for does not work
  };
  Level level = Level::kOk;
  std::string about;   // "user namespaces", "clock"
  std::string what;    // as it is, in words
  std::string lost;    // what does not work so; empty when ok
  std::string remedy;  // the setting that would change it; may be empty: nothing would
};

[[nodiscard]] Finding ok(std::string about, std::string what);
[[nodiscard]] Finding note(std::string about, std::string what, std::string lost,
                           std::string remedy);
[[nodiscard]] Finding missing(std::string about, std::string what, std::string lost,
                              std::string remedy);

// One object on one line, schema 1.
[[nodiscard]] std::string json_of(const Finding& finding);

}  // namespace llrun::doctor
