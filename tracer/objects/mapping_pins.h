// What about a mapping holds a process on its node.
#pragma once

#include <vector>

#include "base/ids.h"
#include "tracer/objects/pins.h"
#include "tracer/procfs/smaps.h"

namespace llrun::tracer {

// `entries`: all mappings with their VmFlags.
[[nodiscard]] Pins pins_of_mappings(HostPid pid, const std::vector<MapEntry>& entries);

// Memory of a file in a filesystem, deleted files and memory files included; not anonymous memory.
[[nodiscard]] bool is_file(const MapEntry& entry);
// mmap(MAP_SHARED | MAP_ANONYMOUS): an unnamed file of the kernel's own.
[[nodiscard]] bool is_shared_anonymous(const MapEntry& entry);

}  // namespace llrun::tracer
