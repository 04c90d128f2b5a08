// What a request frame must look like before libfuse sees it.
//
// libfuse believes its kernel: it reads names up to their NUL and data up to the sizes they claim.
// Here the kernel is another node's, so everything it could believe is checked first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace llrun::homefs {

struct CheckedRequest {
  std::uint32_t opcode = 0;
  std::uint64_t unique = 0;
  const char* fault = nullptr;  // what is wrong with the frame, in words; nullptr: nothing
};

// Opcodes that are not known here pass with a whole header: libfuse answers ENOSYS without looking
// further, which is how a newer kernel finds out what it can ask.
[[nodiscard]] CheckedRequest check_request(std::span<const std::byte> frame);

// A page of a file is all it asks for, as by a page fault of the guest, which changes nothing at
// home. A program's own read, which has a lock owner (fs/fuse/file.c: fuse_send_read), may move an
// offset there.
[[nodiscard]] bool only_reads(std::span<const std::byte> frame);

// What a reply frame of home is, before the kernel of the peer sees it. The kernel checks replies
// itself (fs/fuse/dev.c, fuse_dev_do_write); what is looked at here decides who writes them.
enum class ReplyKind {
  kReply,        // to a request
  kQuickNotice,  // takes no lock a request could hold: written in its order among the replies
  kNotice,       // may wait for a request: written by a thread of its own
  kMalformed,
};
[[nodiscard]] ReplyKind kind_of_reply(std::span<const std::byte> frame);

// FORGETs and the like, to which no reply belongs.
[[nodiscard]] bool expects_reply(std::uint32_t opcode);

}  // namespace llrun::homefs
