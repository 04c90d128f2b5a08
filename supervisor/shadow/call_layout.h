// Where the buffers of a home call lie in the room that the shadow has for it, and what the call's
// arguments then are. Arithmetic only; whoever executes the call writes what it says.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "supervisor/protocol/job.pb.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {

struct CallLayout {
  std::array<std::uint64_t, 6> arguments{};
  std::vector<tracer::RemoteAddr> buffers;  // in the order of the call's
};

// kProtocol: the buffers need more room than there is, or are for no argument of a system call.
[[nodiscard]] Result<CallLayout> lay_out_call(const protocol::HomeCall& call,
                                              tracer::RemoteRange room);

}  // namespace llrun
