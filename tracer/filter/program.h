// Classic BPF programs as values, and how the guest's filter is put together from several.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "tracer/filter/filter.h"

namespace llrun {

using BpfProgram = std::vector<sock_filter>;

// One program that asks `first`, and where that allows, asks `second`.
//
// Every return instruction that must go on becomes a jump in its own place, so the offsets of all
// other jumps stay true.
[[nodiscard]] BpfProgram chain(BpfProgram first, BpfProgram second);

// What `program` does not allow stops for the tracer as injected, if it is one of `injected` (at
// most 250 calls of the 64-bit entry) and comes from the stub. Looking at the instruction pointer
// only after the program has not allowed a call keeps the kernel's bitmap of always allowed calls
// in use.
void append_stub_rule(BpfProgram& program, const StubCode& stub,
                      const std::vector<std::uint32_t>& injected);

}  // namespace llrun
