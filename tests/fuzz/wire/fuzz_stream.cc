// A stream of bytes as another node may send it: frames, and what the pages, the hello and the
// messages of a job in them are read by.
#include <algorithm>
#include <cstring>
#include <span>

#include "imagefmt/validate.h"
#include "imagefmt/wire.h"
#include "netproxy/channel/frame_buffer.h"
#include "supervisor/job/message_parts.h"
#include "supervisor/protocol/hello.pb.h"
#include "tests/fuzz/fuzz.h"

namespace {

using llrun::fuzz::Counter;
using llrun::wire::FrameType;

Counter refused_streams("streams refused", true);
Counter hellos("hellos");
Counter messages("messages");
Counter whole_again("messages in parts");
Counter refused_messages("messages refused", true);
Counter pages_frames("frames of pages");
Counter refused_pages("pages refused", true);
Counter valid_images("valid images");
Counter refused_images("images refused", true);

void read_image(const llrun::image::Process& image) {
  ++(llrun::validate(image) ? valid_images : refused_images);
}

void read_job_message(llrun::MessageParts& parts, std::span<const std::byte> payload) {
  const auto message = parts.take(payload);
  if (!message) return void(++refused_messages);
  if (!*message) return void(++whole_again);
  ++messages;
  if ((*message)->has_image()) read_image((*message)->image());
  if ((*message)->has_home_image()) read_image((*message)->home_image().image());
}

void read_hello(std::span<const std::byte> payload) {
  llrun::protocol::Hello hello;
  if (hello.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) ++hellos;
}

void read_pages(std::span<const std::byte> payload) {
  const auto pages = llrun::wire::parse_pages(payload);
  if (!pages) return void(++refused_pages);
  ++pages_frames;
  LLRUN_CHECK(pages->bytes.size() == pages->header.count * llrun::wire::kPageSize, "pages");
  LLRUN_CHECK(pages->header.address + pages->bytes.size() > pages->header.address, "pages");
  llrun::fuzz::touch(pages->bytes);
}

void read_frame(llrun::MessageParts& parts, const llrun::Frame& frame) {
  LLRUN_CHECK(frame.payload.size() == frame.header.length, "a frame's payload");
  LLRUN_CHECK(frame.header.length <= llrun::wire::kMaxPayload, "a frame's length");
  switch (frame.header.type) {
    case FrameType::kHello:
      return read_hello(frame.payload);
    case FrameType::kJob:
      return read_job_message(parts, frame.payload);
    case FrameType::kPages:
      return read_pages(frame.payload);
    default:
      return llrun::fuzz::touch(frame.payload);
  }
}

}  // namespace

// The first byte says in how small pieces the rest arrives.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] == 0 ? SIZE_MAX : data[0];
  auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  llrun::FrameBuffer buffer;
  llrun::MessageParts parts;
  while (!rest.empty()) {
    const auto room = buffer.room();
    LLRUN_CHECK(!room.empty(), "a frame buffer without room");
    const std::size_t count = std::min({piece, rest.size(), room.size()});
    std::memcpy(room.data(), rest.data(), count);
    rest = rest.subspan(count);
    buffer.filled(count);
    for (;;) {
      const auto frame = buffer.next();
      if (!frame) return ++refused_streams, 0;
      if (!*frame) break;
      read_frame(parts, **frame);
    }
  }
  return 0;
}
