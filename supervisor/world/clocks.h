// The clocks of a world: home's CLOCK_MONOTONIC and CLOCK_BOOTTIME go on (time_namespaces(7)).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace llrun::world {

struct ClockOffsets {
  std::int64_t monotonic_ns = 0, boottime_ns = 0;  // home's minus this node's; may be negative
};

// The text of /proc/PID/timens_offsets.
[[nodiscard]] std::string timens_text(const ClockOffsets& offsets);
// A new time namespace for the children of this process, which has one thread and CAP_SYS_ADMIN and
// CAP_SYS_TIME in its user namespace.
[[nodiscard]] Result<> enter_time_namespace(const ClockOffsets& offsets);

}  // namespace llrun::world
