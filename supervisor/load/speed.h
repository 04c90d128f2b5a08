// How fast one core of this machine is: measured once in some 50 ms, then kept.
#pragma once

#include <string>

namespace llrun::load {

// Relative to the machine on which kReferenceRate was taken: 1.0 is the same, 2.0 twice as fast.
// The result is kept in `directory`/speed beside the name of the CPU, and measured anew when the
// CPU is another one.
[[nodiscard]] double core_speed(const std::string& directory);
[[nodiscard]] double measure_core_speed();

}  // namespace llrun::load
