// The unwinder: libunwind over any StackSource.
#pragma once

#include "tracer/stacks/modules.h"

namespace llrun::tracer {

struct RawFrame {
  std::uint64_t pc = 0;
  bool exact = false;  // the instruction that runs or was interrupted; else a return address
  bool calls_handler = false;  // as in StackFrame
};

struct RawStack {
  std::vector<RawFrame> frames;
  std::string incomplete;  // as in ThreadStack
};

inline constexpr std::size_t kMostFrames = 512;  // deep recursions are cut off

[[nodiscard]] RawStack unwind(const Modules& modules, const user_regs_struct& registers);

}  // namespace llrun::tracer
