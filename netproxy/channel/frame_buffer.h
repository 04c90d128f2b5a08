// FrameBuffer: bytes as they come in, frames as they go out, with hardly a copy.
//
// The owner reads into room(), says how much came, and takes frames until there is none. room()
// ends 16 bytes after the frame that is being received once its header is known, so that at most
// the next header has to be moved to the front: a stream of large frames is parsed where it was
// read.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "imagefmt/wire.h"

namespace llrun {

struct Frame {
  wire::FrameHeader header;
  std::span<const std::byte> payload;  // into the buffer: valid until the next room()
};

class FrameBuffer {
 public:
  FrameBuffer();
  [[nodiscard]] std::span<std::byte> room();  // never empty once next() has said "none"
  void filled(std::size_t count);
  // The next whole frame; nothing: more bytes are needed; kProtocol: these are not frames.
  [[nodiscard]] Result<std::optional<Frame>> next();
  [[nodiscard]] bool within_frame() const { return end_ > begin_; }

 private:
  [[nodiscard]] std::size_t wanted() const;

  std::vector<std::byte> bytes_;
  std::size_t begin_ = 0, end_ = 0;  // what has been received and not yet handed out
  bool begun_ = false;               // there was a frame: what comes now is not a login's greeting
};

}  // namespace llrun
