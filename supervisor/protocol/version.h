// The version of all messages between nodes. Fields may be added without a new one: field numbers
// are the version story; a message that means something else needs it.
#pragma once

#include <cstdint>

namespace llrun {

inline constexpr std::uint32_t kProtocolVersion = 4;

}  // namespace llrun
