// What a channel's command printed where a frame should begin: a greeting of the login, most often.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace llrun {

// The first line of `bytes` that has any text in it, shortened; none: these bytes are no text.
[[nodiscard]] std::optional<std::string> printed_line(std::span<const std::byte> bytes);

// The error for whoever has to mend it; `otherwise` where it is no text.
[[nodiscard]] Error not_frames(std::span<const std::byte> bytes, const Error& otherwise);

}  // namespace llrun
