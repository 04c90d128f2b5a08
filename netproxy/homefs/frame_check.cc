#include "netproxy/homefs/frame_check.h"

#include <linux/fuse.h>

#include <cstring>

#include "netproxy/homefs/frame.h"

namespace llrun::homefs {
namespace {

constexpr std::uint32_t kMinor = 34;          // of Linux 5.14, the oldest that may host a guest
constexpr std::size_t kMaxName = 1024;        // fs/fuse/fuse_i.h: FUSE_NAME_MAX
constexpr std::size_t kMaxXattr = 64U << 10;  // linux/limits.h: XATTR_SIZE_MAX, XATTR_LIST_MAX

using Bytes = std::span<const std::byte>;

// A body, of which parts are taken from the front. After a fault nothing more can be taken.
class Body {
 public:
  explicit Body(Bytes bytes) : rest_(bytes) {}

  template <typename T>
  T take() {
    T value{};
    if (!need(sizeof(T))) return value;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  void skip(std::size_t count) {
    if (need(count)) rest_ = rest_.subspan(count);
  }
  void text(std::size_t max) {
    const void* end = rest_.empty() ? nullptr : std::memchr(rest_.data(), 0, rest_.size());
    if (end == nullptr) return refuse("a text without end");
    const auto length = static_cast<std::size_t>(static_cast<const std::byte*>(end) - rest_.data());
    if (length > max) return refuse("a text that is too long");
    last_ = rest_.first(length);
    rest_ = rest_.subspan(length + 1);
  }
  // A name within a directory. "." and ".." are the kernel's own business: they would lead out of
  // the tree.
  void name() {
    text(kMaxName);
    if (fault_ != nullptr) return;
    if (last_.empty() || std::memchr(last_.data(), '/', last_.size()) != nullptr)
      return refuse("a name that is none");
    const bool dot = last_[0] == std::byte{'.'};
    if (dot && (last_.size() == 1 || (last_.size() == 2 && last_[1] == std::byte{'.'})))
      refuse("a name that leads out of its directory");
  }
  void at_most(std::uint64_t value, std::uint64_t max) {
    if (value > max) refuse("a size over the bound");
  }
  void refuse(const char* why) {
    if (fault_ == nullptr) fault_ = why;
  }
  [[nodiscard]] const char* fault() const { return fault_; }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  bool need(std::size_t count) {
    if (rest_.size() < count) refuse("a body that is too short");
    return fault_ == nullptr;
  }

  Bytes rest_;
  Bytes last_;
  const char* fault_ = nullptr;
};

void check_init(Body& body) {
  struct Head {
    std::uint32_t major, minor, max_readahead, flags;
  };
  const auto head = body.take<Head>();
  if (head.major != FUSE_KERNEL_VERSION || head.minor < kMinor)
    body.refuse("a version of the FUSE protocol that is too old or too new");
  if ((head.flags & FUSE_INIT_EXT) != 0) body.skip(sizeof(fuse_init_in) - sizeof(Head));
}

void check_batch_forget(Body& body) {
  const auto head = body.take<fuse_batch_forget_in>();
  body.at_most(head.count, kMaxFrame / sizeof(fuse_forget_one));
  body.skip(std::size_t{head.count} * sizeof(fuse_forget_one));
}

void check_write(Body& body) {
  const auto head = body.take<fuse_write_in>();
  if (head.size != body.left()) body.refuse("a write whose size is not that of its data");
}

// The short form: the long one (FUSE_SETXATTR_EXT) is never agreed on.
void check_setxattr(Body& body) {
  const auto size = body.take<std::uint32_t>();
  body.skip(FUSE_COMPAT_SETXATTR_IN_SIZE - sizeof size);
  body.text(kMaxName);
  body.at_most(size, kMaxXattr);
  body.skip(size);
}

template <typename T>
void check_bounded(Body& body, std::uint64_t max) {
  body.at_most(body.take<T>().size, max);
}

void check_ioctl(Body& body) {
  const auto head = body.take<fuse_ioctl_in>();
  body.at_most(head.in_size, kMaxData);
  body.skip(head.in_size);
  body.at_most(head.out_size, kMaxData);
}

// Operations on names and trees; false: not one of them.
bool check_names(std::uint32_t opcode, Body& body) {
  switch (opcode) {
    case FUSE_LOOKUP:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
      return body.name(), true;
    case FUSE_SYMLINK:
      return body.name(), body.text(4096), true;
    case FUSE_MKNOD:
      return body.take<fuse_mknod_in>(), body.name(), true;
    case FUSE_MKDIR:
      return body.take<fuse_mkdir_in>(), body.name(), true;
    case FUSE_RENAME:
      return body.take<fuse_rename_in>(), body.name(), body.name(), true;
    case FUSE_RENAME2:
      return body.take<fuse_rename2_in>(), body.name(), body.name(), true;
    case FUSE_LINK:
      return body.take<fuse_link_in>(), body.name(), true;
    case FUSE_CREATE:
      return body.take<fuse_create_in>(), body.name(), true;
    default:
      return false;
  }
}

// Operations on attributes, of the inode and extended; false: not one of them.
bool check_attributes(std::uint32_t opcode, Body& body) {
  switch (opcode) {
    case FUSE_GETATTR:
      return body.take<fuse_getattr_in>(), true;
    case FUSE_SETATTR:
      return body.take<fuse_setattr_in>(), true;
    case FUSE_ACCESS:
      return body.take<fuse_access_in>(), true;
    case FUSE_SETXATTR:
      return check_setxattr(body), true;
    case FUSE_GETXATTR:
      return check_bounded<fuse_getxattr_in>(body, kMaxXattr), body.text(kMaxName), true;
    case FUSE_LISTXATTR:
      return check_bounded<fuse_getxattr_in>(body, kMaxXattr), true;
    case FUSE_REMOVEXATTR:
      return body.text(kMaxName), true;
    default:
      return false;
  }
}

// Operations on open files and directories; false: not one of them.
bool check_files(std::uint32_t opcode, Body& body) {
  switch (opcode) {
    case FUSE_OPEN:
    case FUSE_OPENDIR:
      return body.take<fuse_open_in>(), true;
    case FUSE_READ:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
      return check_bounded<fuse_read_in>(body, kMaxData), true;
    case FUSE_WRITE:
      return check_write(body), true;
    case FUSE_FLUSH:
      return body.take<fuse_flush_in>(), true;
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      return body.take<fuse_release_in>(), true;
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
      return body.take<fuse_fsync_in>(), true;
    case FUSE_FALLOCATE:
      return body.take<fuse_fallocate_in>(), true;
    case FUSE_LSEEK:
      return body.take<fuse_lseek_in>(), true;
    case FUSE_COPY_FILE_RANGE:
      return body.take<fuse_copy_file_range_in>(), true;
    case FUSE_IOCTL:
      return check_ioctl(body), true;
    case FUSE_POLL:
      return body.take<fuse_poll_in>(), true;
    case FUSE_GETLK:
    case FUSE_SETLK:
    case FUSE_SETLKW:
      return body.take<fuse_lk_in>(), true;
    default:
      return false;
  }
}

void check_rest(std::uint32_t opcode, Body& body) {
  switch (opcode) {
    case FUSE_INIT:
      return check_init(body);
    case FUSE_FORGET:
      return static_cast<void>(body.take<fuse_forget_in>());
    case FUSE_BATCH_FORGET:
      return check_batch_forget(body);
    case FUSE_INTERRUPT:
      return static_cast<void>(body.take<fuse_interrupt_in>());
    case FUSE_BMAP:
      return static_cast<void>(body.take<fuse_bmap_in>());
    case FUSE_DESTROY:       // of block device mounts only; libfuse would take leave
    case FUSE_NOTIFY_REPLY:  // nothing is ever asked of the kernel
    case CUSE_INIT:
      return body.refuse("a request that this mount never makes");
    default:
      return;
  }
}

// Notifications that take no lock a guest's request could hold: those that only forget attributes
// (fs/fuse/inode.c: fuse_reverse_inval_inode with a negative offset). Their order before a reply
// matters.
bool never_waits(Bytes frame, const fuse_out_header& header) {
  fuse_notify_inval_inode_out body;
  if (header.error != FUSE_NOTIFY_INVAL_INODE || frame.size() != sizeof header + sizeof body)
    return false;
  std::memcpy(&body, frame.data() + sizeof header, sizeof body);
  return body.off < 0;
}

}  // namespace

CheckedRequest check_request(std::span<const std::byte> frame) {
  fuse_in_header header{};
  if (frame.size() < sizeof header || frame.size() > kMaxFrame)
    return {.fault = "a frame of impossible length"};
  std::memcpy(&header, frame.data(), sizeof header);
  Body body(frame.subspan(sizeof header));
  if (header.len != frame.size()) body.refuse("a length that is not that of the frame");
  if (header.total_extlen != 0) body.refuse("extensions that were never agreed on");
  const auto op = header.opcode;
  if (!check_names(op, body) && !check_attributes(op, body) && !check_files(op, body))
    check_rest(op, body);
  return {.opcode = op, .unique = header.unique, .fault = body.fault()};
}

ReplyKind kind_of_reply(std::span<const std::byte> frame) {
  fuse_out_header header{};
  if (frame.size() < sizeof header || frame.size() > kMaxFrame) return ReplyKind::kMalformed;
  std::memcpy(&header, frame.data(), sizeof header);
  if (header.len != frame.size()) return ReplyKind::kMalformed;
  if (header.unique != 0) return ReplyKind::kReply;
  return never_waits(frame, header) ? ReplyKind::kQuickNotice : ReplyKind::kNotice;
}

bool only_reads(Bytes frame) {
  const auto request = check_request(frame);
  if (request.fault != nullptr || request.opcode != FUSE_READ) return false;
  fuse_read_in read{};
  std::memcpy(&read, frame.data() + sizeof(fuse_in_header), sizeof read);
  return (read.read_flags & FUSE_READ_LOCKOWNER) == 0;
}

bool expects_reply(std::uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

}  // namespace llrun::homefs
