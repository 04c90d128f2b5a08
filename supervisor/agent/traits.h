// What this node tells peers about itself in every Hello.
#pragma once

#include "supervisor/protocol/hello.pb.h"
#include "supervisor/protocol/version.h"

namespace llrun::agent {

[[nodiscard]] protocol::Hello own_hello(const std::string& node, protocol::Hello::Purpose purpose);

}  // namespace llrun::agent
