// Files that are written for a while have this at the end of their names until they are complete,
// and are locked (flock) by whoever writes them: so what a crash has left can be told from what is
// being written.
#pragma once

#include <string>
#include <string_view>

namespace llrun::leftovers {

inline constexpr std::string_view kPartSuffix = ".llrun-part";

[[nodiscard]] bool is_being_written(const std::string& path);

}  // namespace llrun::leftovers
