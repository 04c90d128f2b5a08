// Where the kernel has put its own mappings of a program, the vdso and its data (vdso(7)).
#pragma once

#include <span>
#include <string>

#include "tracer/procfs/smaps.h"

namespace llrun::tracer {

// Their places, relative to each other, and sizes: "vvar+0:4000 vdso+6000:2000". The same for all
// 64-bit programs of a kernel that have left them as they were. Empty: there are none.
[[nodiscard]] std::string vdso_parts(std::span<const MapEntry> entries);

// Whether they are sealed (CONFIG_MSEAL_SYSTEM_MAPPINGS, Linux 6.16), so that they cannot be moved
// to where another program has them. `entries`: with VmFlags.
[[nodiscard]] bool is_vdso_sealed(std::span<const MapEntry> entries);

}  // namespace llrun::tracer
