// What about a mapping holds a process on its node.
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/pins.h"
#include "tracer/procfs/smaps.h"

namespace llrun::tracer {

// `entries`: all mappings with their VmFlags.
[[nodiscard]] Pins pins_of_mappings(HostPid pid, const std::vector<MapEntry>& entries);

// Of a program that has denied itself memory both written and executed (PR_SET_MDWE), which only it
// can be asked: such memory, from before that, could not be made again when it comes home.
[[nodiscard]] std::optional<Pin> forbidden_memory_pin(const image::MemoryLayout& layout);

// Memory of a file in a filesystem, deleted files and memory files included; not anonymous memory.
[[nodiscard]] bool is_file(const MapEntry& entry);
// mmap(MAP_SHARED | MAP_ANONYMOUS): an unnamed file of the kernel's own.
[[nodiscard]] bool is_shared_anonymous(const MapEntry& entry);

}  // namespace llrun::tracer
