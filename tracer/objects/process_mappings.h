// Clearing an address space.
#pragma once

#include <vector>

#include "base/result.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

// Unmap everything but `kept` and the kernel's own mappings (vdso, vvar, vsyscall). What is sealed
// is emptied instead.
[[nodiscard]] Result<> unmap_all_but(RemoteSyscalls& calls, RemoteArena arena,
                                     const std::vector<RemoteRange>& kept);
// The pages of arguments and environment, which ps shows.
[[nodiscard]] Result<std::vector<RemoteRange>> ranges_of_arguments(HostPid pid);

}  // namespace llrun::tracer
