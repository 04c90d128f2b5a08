// The question a peer may ask of any descriptor of the file view: which description of home's is
// this?
//
// A restricted FUSE ioctl: its direction and size are in the number, so the kernel passes it on
// without knowing it. Every other filesystem answers ENOTTY, and so does the file view to every
// other ioctl.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>

namespace llrun::homefs {

// A home file description (what open(2) makes and dup(2) shares), as HomeFileServer names it. Never
// 0, never used twice by one server. The number is also the file handle of the FUSE protocol.
using DescriptionId = std::uint64_t;

struct DescriptionAnswer {
  std::uint64_t server;       // HomeFileServer::Options::token of the answering server
  std::uint64_t id;           // DescriptionId
  std::uint32_t home_offset;  // 1: the offset of this description is kept at home
  std::uint32_t reserved;
};
static_assert(sizeof(DescriptionAnswer) == 24);

// ioctl(2): 0 and an answer; ENOTTY for descriptors that are not of a file view.
inline constexpr unsigned long kIocDescription = _IOR(0xD7, 0x4C, DescriptionAnswer);

// The position a peer gives (lseek) to its descriptor of a description whose offset is kept at
// home, before the guest has it. Requests below are positional (pread, pwrite).
inline constexpr std::int64_t kHomeOffsetBase = std::int64_t{1} << 62;

}  // namespace llrun::homefs
