// Mapping a record's memory into an empty address space.
#pragma once

#include <span>

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/memory.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

// Map everything but the kernel's mappings, writable where pages will land. Files are opened by
// path in the target. `check_files`: each must be the same file (device and inode) as when
// captured.
[[nodiscard]] Result<> map_memory(RemoteSyscalls& calls, RemoteArena arena,
                                  const image::MemoryLayout& layout, bool check_files);
// Protections, locks, advice, names, seals: after the pages have landed.
[[nodiscard]] Result<> settle_memory(RemoteSyscalls& calls, RemoteArena arena,
                                     const image::MemoryLayout& layout);

}  // namespace llrun::tracer
