#include "supervisor/home/fitting.h"

#include <fmt/format.h>

#include "tracer/objects/memory.h"

namespace llrun {

// The program's mappings are looked through only for a peer that lacks something. One that is gone,
// or cannot be read, fails later, in words of its own.
// compare.
std::optional<std::string> why_not_this_program(HostPid program, const protocol::NodeTraits& peer) {
  if (peer.droppable_memory()) return std::nullopt;
  const auto has_some = tracer::has_droppable_memory(program);
  if (!has_some || !*has_some) return std::nullopt;
  return fmt::format(
      "the program has memory that may be dropped (MAP_DROPPABLE), which the peer's kernel ({}) "
      "does "
      "not know: a node with Linux 6.11 or later would do",
      peer.kernel_release());
}

}  // namespace llrun
