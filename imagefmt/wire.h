// The frames that travel on a channel: a fixed header, then `length` bytes of payload.
//
// The header is little-endian and 16 bytes. Lengths are bounded here, before anything is allocated.
// What a payload means is the business of the type's owner; FORMAT.md lists them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace llrun::wire {

enum class FrameType : std::uint16_t {
  kHello = 1,         // protocol.Hello: the first frame in each direction
  kRefusal = 2,       // text for a person; the sender closes
  kAgent = 3,         // protocol.AgentMessage between agents
  kJob = 4,           // protocol.JobMessage between the two supervisors of a job
  kPages = 5,         // PagesHeader, then count * 4096 bytes
  kFileRequest = 6,   // a raw frame of /dev/fuse, guest to home
  kFileReply = 7,     // a raw frame for /dev/fuse, home to guest
  kStreamData = 8,    // bytes a guest wrote to a pipe or terminal; stream = description's home id
  kStreamCredit = 9,  // u64: bytes of that stream which home has passed on
  kKeepAlive = 10,    // u64 sequence number: renews the lease, and is echoed
  kHolding = 11,      // protocol.Holding in place of a Hello; the sender closes
};

inline constexpr std::uint32_t kMaxPayload =
    (1U << 20) + (64U << 10);  // 1 MiB of pages and their header
inline constexpr std::size_t kPageSize = 4096;
inline constexpr std::size_t kMaxPagesPerFrame = 256;

struct FrameHeader {
  std::uint32_t length = 0;  // of the payload, bytes
  FrameType type{};
  std::uint16_t reserved = 0;
  std::uint32_t epoch = 0;   // incarnation of the program: frames of older ones are dropped
  std::uint32_t stream = 0;  // which pipe, terminal; 0 where it has no meaning
};
static_assert(sizeof(FrameHeader) == 16);

// What precedes the bytes in a kPages frame.
struct PagesHeader {
  std::uint64_t address = 0;  // of the first page in the program's address space
  std::uint32_t count = 0;    // pages; at most kMaxPagesPerFrame
  std::uint32_t flags = 0;    // none defined
};
static_assert(sizeof(PagesHeader) == 16);

// Refuses unknown types, lengths over the bound and reserved bits that are set.
[[nodiscard]] Result<FrameHeader> parse_frame_header(std::span<const std::byte, 16> bytes);
[[nodiscard]] std::array<std::byte, 16> encode(const FrameHeader& header);

struct Pages {
  PagesHeader header;
  std::span<const std::byte> bytes;  // header.count * kPageSize
};
// Refuses counts that do not match the length, unaligned addresses and ranges that overflow.
[[nodiscard]] Result<Pages> parse_pages(std::span<const std::byte> payload);

}  // namespace llrun::wire
