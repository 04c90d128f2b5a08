// Layout: where the parts of a program's memory lie, and the kernel's own mappings in it.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/memory.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

struct LayoutCapture {
  image::MemoryLayout layout;
  Pins pins;
};

// Everything of the memory but its pages; needs no injection and no attachment, except that `brk`
// is then only the end of the heap's mapping (capture_brk() tells).
[[nodiscard]] Result<LayoutCapture> capture_layout(HostPid pid, const MemoryOptions& options = {});
[[nodiscard]] Result<> capture_brk(RemoteSyscalls& calls, image::MemoryLayout& layout);

// XXH3-128, in hexadecimal, of the vdso of `pid`; empty where it has none. Both nodes of a move
// must have the same: the program holds addresses of its functions.
[[nodiscard]] Result<std::string> vdso_fingerprint(HostPid pid);
[[nodiscard]] Result<std::string> own_vdso_fingerprint();

// PR_SET_MM_MAP (prctl(2)). `exe_fd`: a descriptor of the target for /proc/PID/exe, which needs
// CAP_CHECKPOINT_RESTORE in its user namespace; -1 leaves the link as it is.
[[nodiscard]] Result<> restore_layout(RemoteSyscalls& calls, RemoteArena arena,
                                      const image::MemoryLayout& layout, int exe_fd);
// Move vvar and vdso of the target, whose other mappings do not matter, to where the image has
// them. Nothing else but the stub may be mapped at either place.
[[nodiscard]] Result<> move_kernel_mappings(RemoteSyscalls& calls,
                                            const image::MemoryLayout& layout);

}  // namespace llrun::tracer
