// Capture: all stacks as bare addresses, taken while the threads are stopped. Naming them takes a
// hundred times longer and needs nobody to stand still.
#pragma once

#include <string>
#include <vector>

#include "tracer/stacks/modules.h"
#include "tracer/stacks/stacks.h"
#include "tracer/stacks/unwinder.h"

namespace llrun::tracer {

struct CapturedThread {
  HostTid tid;
  std::string name;
  RawStack stack;
};

struct Capture {
  Modules modules;
  std::vector<CapturedThread> threads;
};

[[nodiscard]] Result<Capture> capture_stacks(StackSource& source);
[[nodiscard]] std::vector<ThreadStack> named(const Capture& capture);

}  // namespace llrun::tracer
