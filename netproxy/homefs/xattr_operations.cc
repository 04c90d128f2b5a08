// Extended attributes. What may be read and set of them, home's kernel decides.
#include <sys/xattr.h>

#include <cerrno>
#include <vector>

#include "netproxy/homefs/home_view.h"

namespace llrun::homefs {
namespace {

// Answer with what `fill` puts into a buffer of `size` bytes, or, for size 0, with how much it
// would be.
template <typename Fill>
void reply_filled(fuse_req_t request, std::size_t size, Fill fill) {
  std::vector<char> buffer(size);
  const auto count = fill(buffer.data(), size);
  if (count < 0) return reply_outcome(request, true);
  if (size == 0)
    fuse_reply_xattr(request, static_cast<std::size_t>(count));
  else
    fuse_reply_buf(request, buffer.data(), static_cast<std::size_t>(count));
}

void get(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size) {
  const auto inode = inode_for(request, node);
  if (!inode) return;
  const FdName file(inode->path.get());
  reply_filled(request, size, [&](char* to, std::size_t room) {
    return ::getxattr(file.c_str(), name, to, room);
  });
}

void list(fuse_req_t request, fuse_ino_t node, std::size_t size) {
  const auto inode = inode_for(request, node);
  if (!inode) return;
  const FdName file(inode->path.get());
  reply_filled(request, size,
               [&](char* to, std::size_t room) { return ::listxattr(file.c_str(), to, room); });
}

void set(fuse_req_t request, fuse_ino_t node, const char* name, const char* value, std::size_t size,
         int flags) {
  if (const auto inode = inode_for(request, node))
    reply_outcome(request,
                  !view_of(request).may(*inode, KeptBack::Use::kChange) ||
                      ::setxattr(FdName(inode->path.get()).c_str(), name, value, size, flags) != 0);
}

void remove(fuse_req_t request, fuse_ino_t node, const char* name) {
  if (const auto inode = inode_for(request, node))
    reply_outcome(request, !view_of(request).may(*inode, KeptBack::Use::kChange) ||
                               ::removexattr(FdName(inode->path.get()).c_str(), name) != 0);
}

}  // namespace

void add_xattr_operations(fuse_lowlevel_ops& operations) {
  operations.getxattr = get;
  operations.listxattr = list;
  operations.setxattr = set;
  operations.removexattr = remove;
}

}  // namespace llrun::homefs
