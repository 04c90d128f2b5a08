// One frame at a time on a plain descriptor, for the exchange of hellos: before a channel is
// opened, or before the descriptors are handed to another process, which must find the very next
// byte.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "imagefmt/wire.h"

namespace llrun {

struct OwnedFrame {
  wire::FrameHeader header;
  std::vector<std::byte> payload;
};

// Reads exactly one frame, never a byte more. kTimeout, kGone at the end of the stream, kProtocol.
// After an error the descriptor may be in the middle of a frame and is good for nothing but
// closing.
[[nodiscard]] Result<OwnedFrame> read_frame(int fd, std::chrono::milliseconds timeout);

// Writes one frame whole. No SIGPIPE: a reader that is gone is kGone. `header.length` is set here.
[[nodiscard]] Result<> write_frame(int fd, wire::FrameHeader header,
                                   std::span<const std::byte> payload,
                                   std::chrono::milliseconds timeout);

}  // namespace llrun
