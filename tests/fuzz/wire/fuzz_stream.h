// The target: a stream of bytes as another node may send it.
#pragma once

#include <cstddef>
#include <cstdint>

// What became of the last input, so that the replay can see that it reaches what it should.
struct StreamReport {
  std::size_t frames = 0, pages = 0, messages = 0, valid_images = 0, refused_images = 0;
  bool refused = false;  // the stream ended in a protocol error
};
const StreamReport& last_report();

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
