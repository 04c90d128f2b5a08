#include "supervisor/job/message_parts.h"

#include <utility>

namespace llrun {

Result<std::optional<protocol::JobMessage>> MessageParts::take(std::span<const std::byte> payload) {
  protocol::JobMessage message;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
    return failure(ErrorCode::kProtocol, "a message that cannot be read");
  if (!message.has_part()) {
    if (!collected_.empty()) return failure(ErrorCode::kProtocol, "a message within another");
    return message;
  }
  if (message.part().piece().size() > kMostBytes - collected_.size())
    return failure(ErrorCode::kProtocol, "a message without end");
  collected_ += message.part().piece();
  if (!message.part().last()) return std::nullopt;
  protocol::JobMessage whole;
  if (!whole.ParseFromString(std::exchange(collected_, {})) || whole.has_part())
    return failure(ErrorCode::kProtocol, "a message in parts that cannot be read");
  return whole;
}

}  // namespace llrun
