// Files that a program has mapped and to which no name leads any more (it was rebuilt, upgraded or
// deleted under it): home's file view has their descriptions, and its guest and its shadow map
// those.
#pragma once

#include <span>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "netproxy/homefs/home_file_server.h"
#include "tracer/objects/restore_memory.h"

namespace llrun {

// At a departure: gives each mapping of such a file, and the executable, a description of `files`.
// What nobody but the mapping itself has stays BACKING_FILE_COPIED. `duplicates`: of what it has
// open.
[[nodiscard]] Result<> describe_nameless_files(HostPid pid, std::span<const Fd> duplicates,
                                               homefs::HomeFileServer& files,
                                               image::MemoryLayout& layout);

// At a return: where what the guest had mapped comes from.
[[nodiscard]] tracer::FileSources sources_at_home(const homefs::HomeFileServer& files);

}  // namespace llrun
