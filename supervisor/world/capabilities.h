// The few capabilities that init and the guest keep inside the world (capabilities(7)). They count
// for nothing outside it.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace llrun::world {

// CHECKPOINT_RESTORE: clone3 with set_tid, ns_last_pid, PR_SET_MM_MAP with another executable.
// SYS_ADMIN: a seccomp filter without PR_SET_NO_NEW_PRIVS, which would make set-id programs differ
// from home.
[[nodiscard]] std::uint64_t kept_capabilities();

// Effective, permitted and inheritable become exactly `mask`. Of the calling thread.
[[nodiscard]] Result<> keep_only_capabilities(std::uint64_t mask);
// Let `mask`, which must be permitted and inheritable, survive execve of a program without file
// capabilities.
[[nodiscard]] Result<> raise_ambient_capabilities(std::uint64_t mask);

}  // namespace llrun::world
