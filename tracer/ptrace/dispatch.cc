#include "tracer/ptrace/dispatch.h"

#include <sys/ptrace.h>

#include <array>
#include <cstdint>

namespace llrun::tracer {

bool dispatches_calls(const StoppedThread& thread) {
  // linux/ptrace.h, struct ptrace_sud_config (mode, selector, offset, length) and its request,
  // which the C library does not name.
  constexpr auto kGetDispatch = static_cast<__ptrace_request>(0x4211);
  std::array<std::uint64_t, 4> configuration{};
  return ::ptrace(kGetDispatch, thread.tid().value, sizeof configuration, configuration.data()) ==
             0 &&
         configuration.front() != 0;
}

}  // namespace llrun::tracer
