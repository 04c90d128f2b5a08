#include "tests/fuzz/wire/fuzz_stream.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "imagefmt/validate.h"
#include "imagefmt/wire.h"
#include "netproxy/channel/frame_buffer.h"
#include "supervisor/protocol/hello.pb.h"
#include "supervisor/protocol/job.pb.h"

namespace {

using llrun::wire::FrameType;
StreamReport report;

void read_image(const llrun::image::Process& image) {
  if (llrun::validate(image))
    ++report.valid_images;
  else
    ++report.refused_images;
}

template <typename Message>
bool read_message(std::span<const std::byte> payload, Message& message) {
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return false;
  ++report.messages;
  return true;
}

void read_job_message(std::span<const std::byte> payload) {
  llrun::protocol::JobMessage message;
  if (!read_message(payload, message)) return;
  if (message.has_image()) read_image(message.image());
  if (message.has_home_image()) read_image(message.home_image().image());
}

void read_pages(std::span<const std::byte> payload) {
  const auto pages = llrun::wire::parse_pages(payload);
  if (!pages) return;
  ++report.pages;
  LLRUN_CHECK(pages->bytes.size() == pages->header.count * llrun::wire::kPageSize, "pages");
  LLRUN_CHECK(pages->header.address + pages->bytes.size() > pages->header.address, "pages");
  // Every byte must be there to be read.
  [[maybe_unused]] volatile std::byte last = pages->bytes.back();
}

void read_frame(const llrun::Frame& frame) {
  ++report.frames;
  LLRUN_CHECK(frame.payload.size() == frame.header.length, "a frame's payload");
  LLRUN_CHECK(frame.header.length <= llrun::wire::kMaxPayload, "a frame's length");
  llrun::protocol::Hello hello;
  switch (frame.header.type) {
    case FrameType::kHello:
      read_message(frame.payload, hello);
      break;
    case FrameType::kJob:
      read_job_message(frame.payload);
      break;
    case FrameType::kPages:
      read_pages(frame.payload);
      break;
    default:
      break;
  }
}

}  // namespace

const StreamReport& last_report() { return report; }

// The first byte says in how small pieces the rest arrives.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  report = {};
  if (size == 0) return 0;
  const std::size_t piece = data[0] == 0 ? SIZE_MAX : data[0];
  auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  llrun::FrameBuffer buffer;
  while (!rest.empty()) {
    const auto room = buffer.room();
    LLRUN_CHECK(!room.empty(), "a frame buffer without room");
    const std::size_t count = std::min({piece, rest.size(), room.size()});
    std::memcpy(room.data(), rest.data(), count);
    rest = rest.subspan(count);
    buffer.filled(count);
    for (;;) {
      const auto frame = buffer.next();
      report.refused = !frame.has_value();
      if (!frame) return 0;
      if (!*frame) break;
      read_frame(**frame);
    }
  }
  return 0;
}
