// Sending a stopped process's pages over the link, in either direction of a move.
#pragma once

#include <functional>

#include "base/ids.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "supervisor/job/link.h"

namespace llrun {

// The pages that cannot be had elsewhere, then PagesEnd, which names how many came and the guard
// pages. Pages that are all zero are not sent where the destination's memory is zero anyway.
[[nodiscard]] Result<> send_memory(HostPid pid, const image::MemoryLayout& memory, Link& link);

}  // namespace llrun
