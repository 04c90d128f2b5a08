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
  // Of one message. The longest is the image of a program with thousands of threads, whose extended
  // state takes some KiB each.
  static constexpr std::size_t kMostBytes = 64 << 20;

  // The payload of a kJob frame: its message, or none yet. An error: nothing to be trusted.
  [[nodiscard]] Result<std::optional<protocol::JobMessage>> take(
      std::span<const std::byte> payload);

 private:
  std::string collected_;
};

}  // namespace llrun
