// MessageParts: job messages as they arrive, those put together again that came in parts.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun {

class MessageParts {
 public:
  static constexpr std::size_t kMostBytes = 256 << 20;  // of one message

  // The payload of a kJob frame: its message, or none yet. An error: nothing to be trusted.
  [[nodiscard]] Result<std::optional<protocol::JobMessage>> take(
      std::span<const std::byte> payload);

 private:
  std::string collected_;
};

}  // namespace llrun
