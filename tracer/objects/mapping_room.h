// How many mappings a move needs besides the program's own.
#pragma once

#include <cstddef>

namespace llrun::tracer {

// Those of the stub; one that the kernel cuts in three while the last of them is put right; and
// some that the program may make between the look and the stop.
inline constexpr std::size_t kSpareMappings = 16;

}  // namespace llrun::tracer
