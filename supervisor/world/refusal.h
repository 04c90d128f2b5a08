// Why a node lets its user make no world, and what its owner could change: words for a person.
#pragma once

#include "base/result.h"

namespace llrun::world {

// unshare(CLONE_NEWUSER) has failed with this errno: kUnsupported, with the setting that forbids
// it.
[[nodiscard]] Error user_namespace_refusal(int errno_value);

}  // namespace llrun::world
