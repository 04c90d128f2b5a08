#include "netproxy/channel/frame_buffer.h"

#include <algorithm>
#include <cstring>

#include "netproxy/channel/printed_text.h"

namespace llrun {
namespace {
constexpr std::size_t kHeader = sizeof(wire::FrameHeader);
constexpr std::size_t kSmallRead = 64U << 10;  // what is asked for while no header is known
constexpr std::size_t kCapacity = kSmallRead + kHeader + wire::kMaxPayload + kHeader;

std::span<const std::byte, kHeader> header_at(const std::vector<std::byte>& bytes, std::size_t at) {
  return std::span(bytes).subspan(at).first<kHeader>();
}
}  // namespace

FrameBuffer::FrameBuffer() : bytes_(kCapacity) {}

std::size_t FrameBuffer::wanted() const {
  const std::size_t held = end_ - begin_;
  if (held < kHeader) return kSmallRead;
  wire::FrameHeader header;
  std::memcpy(&header, bytes_.data() + begin_, kHeader);  // next() has found it sound
  const std::size_t rest = kHeader + header.length - held;
  return std::max(rest + kHeader, kSmallRead);
}

std::span<std::byte> FrameBuffer::room() {
  const std::size_t want = wanted();
  if (begin_ == end_) begin_ = end_ = 0;
  if (bytes_.size() - end_ < want) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return std::span(bytes_).subspan(end_, std::min(want, bytes_.size() - end_));
}

void FrameBuffer::filled(std::size_t count) {
  LLRUN_CHECK(count <= bytes_.size() - end_, "more bytes than the frame buffer had room for");
  end_ += count;
}

Result<std::optional<Frame>> FrameBuffer::next() {
  const std::size_t held = end_ - begin_;
  if (held < kHeader) return std::nullopt;
  const auto parsed = wire::parse_frame_header(header_at(bytes_, begin_));
  if (!parsed && !begun_)
    return std::unexpected(not_frames(std::span(bytes_).subspan(begin_, held), parsed.error()));
  LLRUN_TRY_ASSIGN(const auto header, parsed);
  begun_ = true;
  if (held < kHeader + header.length) return std::nullopt;
  const auto payload = std::span(bytes_).subspan(begin_ + kHeader, header.length);
  begin_ += kHeader + header.length;
  return Frame{header, payload};
}

}  // namespace llrun
