// Attributes of inodes, permission questions, and the filesystem's own numbers.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "netproxy/homefs/home_view.h"

namespace llrun::homefs {
namespace {

void reply_attributes(fuse_req_t request, Inode& inode) {
  auto& view = view_of(request);
  struct stat attributes;
  if (!view.read_attributes(inode, inode.path.get(), attributes))
    return reply_outcome(request, true);
  fuse_reply_attr(request, &attributes, view.attribute_seconds(inode, attributes));
}

void get_attributes(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  if (const auto inode = inode_for(request, node)) reply_attributes(request, *inode);
}

timespec time_or_omit(int valid, int given, int now, timespec time) {
  if ((valid & now) != 0) return {.tv_sec = 0, .tv_nsec = UTIME_NOW};
  if ((valid & given) != 0) return time;
  return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
}

bool set_times(const Inode& inode, const struct stat& wanted, int valid) {
  constexpr int kTimes =
      FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
  if ((valid & kTimes) == 0) return true;
  const timespec times[2] = {
      time_or_omit(valid, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, wanted.st_atim),
      time_or_omit(valid, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, wanted.st_mtim)};
  return ::utimensat(inode.path.get(), "", times, AT_EMPTY_PATH) == 0;
}

bool set_owner(const Inode& inode, const struct stat& wanted, int valid) {
  if ((valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) == 0) return true;
  const auto uid = (valid & FUSE_SET_ATTR_UID) != 0 ? wanted.st_uid : static_cast<uid_t>(-1);
  const auto gid = (valid & FUSE_SET_ATTR_GID) != 0 ? wanted.st_gid : static_cast<gid_t>(-1);
  return ::fchownat(inode.path.get(), "", uid, gid, AT_EMPTY_PATH) == 0;
}

// With the guest's own description where it has one: that it is open for writing is what counts,
// not what the file's mode has become since.
bool set_size(const Inode& inode, const Description* open, off_t size) {
  if (open != nullptr) return ::ftruncate(open->fd.get(), size) == 0;
  return ::truncate(FdName(inode.path.get()).c_str(), size) == 0;
}

// Null: the peer has named none, or one that is not of this file.
DescriptionRef open_of(HomeView& view, const InodeRef& inode, const fuse_file_info* file) {
  auto description = file != nullptr ? view.descriptions.find(file->fh) : nullptr;
  const bool is_its = description && description->open.load() && description->inode == inode;
  return is_its ? description : nullptr;
}

void set_attributes(fuse_req_t request, fuse_ino_t node, struct stat* wanted, int valid,
                    fuse_file_info* file) {
  const auto inode = inode_for(request, node);
  if (!inode) return;
  const auto open = open_of(view_of(request), inode, file);
  // Who has it open for writing has been let; all else is a change of the file by its name.
  const bool by_description = open != nullptr && (open->flags & O_ACCMODE) != O_RDONLY;
  const auto use =
      (valid & FUSE_SET_ATTR_SIZE) != 0 ? KeptBack::Use::kWrite : KeptBack::Use::kChange;
  if (!by_description && !view_of(request).may(*inode, use)) return reply_outcome(request, true);
  const FdName name(inode->path.get());
  if ((valid & FUSE_SET_ATTR_MODE) != 0 && ::chmod(name.c_str(), wanted->st_mode) != 0)
    return reply_outcome(request, true);
  if (!set_owner(*inode, *wanted, valid)) return reply_outcome(request, true);
  if ((valid & FUSE_SET_ATTR_SIZE) != 0 && !set_size(*inode, open.get(), wanted->st_size))
    return reply_outcome(request, true);
  if (!set_times(*inode, *wanted, valid)) return reply_outcome(request, true);
  reply_attributes(request, *inode);
}

// The guest's access(2) and chdir(2). Every other permission is checked when the thing is done.
void access_file(fuse_req_t request, fuse_ino_t node, int mask) {
  if (const auto inode = inode_for(request, node))
    reply_outcome(request, ::faccessat(inode->path.get(), "", mask & (R_OK | W_OK | X_OK),
                                       AT_EMPTY_PATH | AT_EACCESS) != 0);
}

void filesystem_numbers(fuse_req_t request, fuse_ino_t node) {
  const auto inode = inode_for(request, node);
  if (!inode) return;
  struct statvfs numbers;
  if (::fstatvfs(inode->path.get(), &numbers) != 0) return reply_outcome(request, true);
  fuse_reply_statfs(request, &numbers);
}

}  // namespace

void add_attribute_operations(fuse_lowlevel_ops& operations) {
  operations.getattr = get_attributes;
  operations.setattr = set_attributes;
  operations.access = access_file;
  operations.statfs = filesystem_numbers;
}

}  // namespace llrun::homefs
