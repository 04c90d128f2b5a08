#include "imagefmt/wire.h"

#include <cstring>
#include <string>

namespace llrun::wire {
namespace {
// User addresses of x86_64 with four-level tables end here; larger ones are not used by programs
// unasked.
constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << 47;
}  // namespace

Result<FrameHeader> parse_frame_header(std::span<const std::byte, 16> bytes) {
  FrameHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto type = static_cast<std::uint16_t>(header.type);
  if (type < static_cast<std::uint16_t>(FrameType::kHello) ||
      type > static_cast<std::uint16_t>(FrameType::kHolding))
    return failure(ErrorCode::kProtocol, "the other end sent a frame of unknown type " +
                                             std::to_string(type) +
                                             ": is it llrun of the same version?");
  if (header.length > kMaxPayload || header.reserved != 0)
    return failure(ErrorCode::kProtocol, "the other end sent a malformed frame (length " +
                                             std::to_string(header.length) + ")");
  return header;
}

std::array<std::byte, 16> encode(const FrameHeader& header) {
  std::array<std::byte, 16> bytes{};
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

Result<Pages> parse_pages(std::span<const std::byte> payload) {
  Pages pages;
  if (payload.size() < sizeof(PagesHeader))
    return failure(ErrorCode::kProtocol, "a frame of pages is shorter than its header");
  std::memcpy(&pages.header, payload.data(), sizeof(PagesHeader));
  pages.bytes = payload.subspan(sizeof(PagesHeader));
  const auto& header = pages.header;
  const bool count_fits = header.count > 0 && header.count <= kMaxPagesPerFrame &&
                          pages.bytes.size() == std::size_t{header.count} * kPageSize;
  const bool address_fits = header.address % kPageSize == 0 && header.address < kAddressEnd &&
                            kAddressEnd - header.address >= pages.bytes.size();
  if (!count_fits || !address_fits || header.flags != 0)
    return failure(ErrorCode::kProtocol, "a frame of pages contradicts itself");
  return pages;
}

}  // namespace llrun::wire
