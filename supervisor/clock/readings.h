// Readings of clocks as they travel.
#pragma once

#include "base/clock.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun {

[[nodiscard]] protocol::ClockReading told(const ClockReading& reading);
[[nodiscard]] ClockReading heard(const protocol::ClockReading& reading);

}  // namespace llrun
