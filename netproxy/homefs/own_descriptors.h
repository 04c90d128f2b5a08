// A thread with a table of descriptors of its own (unshare(2), CLONE_FILES).
#pragma once

#include <initializer_list>

#include "base/result.h"

namespace llrun::homefs {

// From here on the calling thread has only these descriptors, under the numbers they had, and
// shares none with the other threads: what they close stays open here, and the other way round.
[[nodiscard]] Result<> keep_only(std::initializer_list<int> descriptors);

}  // namespace llrun::homefs
