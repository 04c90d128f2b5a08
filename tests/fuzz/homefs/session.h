// What a request frame of another node meets at home, with nothing behind it: the check at the door
// and libfuse.
#pragma once

#include <cstddef>
#include <cstdint>

namespace llrun::homefs::fuzzing {

// Submits `frame` to a libfuse session whose operations read all they are given. The frame ends
// where an unreadable page begins, so that reading past it is a crash with every build. False: the
// door refused it.
bool submit(const std::uint8_t* frame, std::size_t size);

}  // namespace llrun::homefs::fuzzing
