// What this node tells peers about itself in every Hello.
#pragma once

#include "supervisor/protocol/hello.pb.h"

namespace llrun::agent {

inline constexpr std::uint32_t kProtocolVersion = 1;

[[nodiscard]] protocol::NodeTraits own_traits();
[[nodiscard]] protocol::Hello own_hello(const std::string& node, protocol::Hello::Purpose purpose);

}  // namespace llrun::agent
