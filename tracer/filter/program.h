// Classic BPF programs as values, and how the guest's filter is put together from several.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "tracer/filter/filter.h"

namespace llrun {

using BpfProgram = std::vector<sock_filter>;

// One program that asks `first`, and where that allows, asks `second`. Whatever either of them does
// not allow is allowed all the same when the call comes from `exempt` code.
//
// Every return instruction that must go on becomes a jump in its own place, so the offsets of all
// other jumps stay true. Looking at the instruction pointer only after a program has not allowed a
// call keeps the kernel's bitmap of always allowed calls in use.
[[nodiscard]] BpfProgram chain(BpfProgram first, BpfProgram second,
                               const std::optional<ExemptCode>& exempt);

}  // namespace llrun
