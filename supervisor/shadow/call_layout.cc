#include "supervisor/shadow/call_layout.h"

#include <algorithm>

namespace llrun {

Result<CallLayout> lay_out_call(const protocol::HomeCall& call, tracer::RemoteRange room) {
  CallLayout layout;
  const int count = std::min(call.arguments_size(), static_cast<int>(layout.arguments.size()));
  std::copy_n(call.arguments().begin(), count, layout.arguments.begin());
  std::uint64_t used = 0;
  for (const auto& buffer : call.buffers()) {
    const std::uint64_t needed = (std::min(buffer.size(), room.size() + 1) + 15) / 16 * 16;
    if (buffer.argument() >= layout.arguments.size() || needed > room.size() - used ||
        buffer.input().size() > buffer.size())
      return failure(ErrorCode::kProtocol, "the guest asked for a call that cannot be");
    const tracer::RemoteAddr at = room.start + used;
    used += needed;
    layout.arguments[buffer.argument()] = at.value;
    layout.buffers.push_back(at);
  }
  return layout;
}

}  // namespace llrun
