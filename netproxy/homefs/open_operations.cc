// Opening, creating and releasing files: how the guest's open files become descriptions of home.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>

#include "netproxy/homefs/home_view.h"
#include "netproxy/homefs/opening.h"

namespace llrun::homefs {
namespace {

// The kernel's own mark for an open that is an exec's (include/linux/fs.h: __FMODE_EXEC). The
// peer's kernel only looks whether anybody at all may execute the file.
constexpr int kOpenForExec = 040;

// What of the guest's flags home's description is to have. Not passed on: O_CREAT and O_EXCL (done,
// or CREATE brings them), O_NOFOLLOW (the inode is known), O_NONBLOCK and FASYNC (of no meaning for
// regular files).
constexpr int kHomeFlags =
    O_ACCMODE | O_APPEND | O_TRUNC | O_NOATIME | O_SYNC | O_DSYNC | O_LARGEFILE | O_DIRECT;

bool gives_data(int fd) {
  char byte;
  return ::pread(fd, &byte, 1, 0) > 0;
}

// Pages of these files may not be kept by the guest's kernel, or not be asked for by size.
bool needs_direct_io(HomeView& view, const Description& description,
                     const struct stat& attributes) {
  if (description.home_offset || view.is_virtual(attributes.st_dev, description.fd.get()))
    return true;
  // With O_DIRECT the guest's kernel may otherwise write the rest of a short write through its
  // pages.
  if ((description.flags & O_DIRECT) != 0) return true;
  const int mode = description.flags & O_ACCMODE;
  // The guest's kernel puts appended bytes where it believes the end to be, which others may have
  // moved.
  if (mode == O_WRONLY && (description.flags & O_APPEND) != 0) return true;
  return mode == O_RDONLY && attributes.st_size == 0 && gives_data(description.fd.get());
}

// A version younger than the clock's tick may change again without showing it.
bool is_settled(const FileVersion& version) {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec - version.changed.tv_sec > 2;
}

// As NFS does: what another has written before this open is seen after it. The kernel keeps its
// pages only if the file is still as it was at the open before, and forgets its attributes if they
// have changed since it asked.
void agree_on_version(HomeView& view, Inode& inode, const struct stat& attributes,
                      fuse_file_info& file) {
  const auto version = version_of(attributes);
  bool stale = false;
  {
    const std::lock_guard lock(inode.versions_mutex);
    file.keep_cache = inode.opened == version;
    stale = inode.reported.has_value() && inode.reported != version;
    inode.opened = is_settled(version) ? std::optional(version) : std::nullopt;
  }
  if (stale) fuse_lowlevel_notify_inval_inode(view.session, inode.node, -1, 0);
}

void fill_open(HomeView& view, Inode& inode, const Description& description, fuse_file_info& file) {
  struct stat attributes {};
  if (::fstat(description.fd.get(), &attributes) == 0) {
    file.direct_io = needs_direct_io(view, description, attributes);
    agree_on_version(view, inode, attributes, file);
  }
  file.fh = description.id;
  file.noflush =
      (description.flags & O_ACCMODE) == O_RDONLY;  // nothing written, no error to report
}

DescriptionRef adopt(HomeView& view, Fd fd, int flags, const InodeRef& inode) {
  auto description = view.descriptions.add(std::move(fd), flags & kHomeFlags & ~O_TRUNC, false);
  view.count_open(*description, *inode);
  description->attach(inode);
  return description;
}

// Home's own permission questions that an open by us would not ask.
bool refused_exec(const Inode& inode, int flags) {
  return (flags & kOpenForExec) != 0 &&
         ::faccessat(inode.path.get(), "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0;
}

KeptBack::Use use_of(int flags) {
  const bool reads = (flags & O_ACCMODE) == O_RDONLY && (flags & O_TRUNC) == 0;
  return reads ? KeptBack::Use::kRead : KeptBack::Use::kWrite;
}

void open_file(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  auto& view = view_of(request);
  const auto inode = inode_for(request, node);
  if (!inode) return;
  if (const auto armed = open_armed_description(view, inode, file->flags)) {
    fill_open(view, *inode, *armed->description, *file);
    fuse_reply_open(request, file);
    return make_name_disappear(view, armed->name, *inode);
  }
  // Devices, FIFOs and sockets are opened by the guest's kernel alone; never by us.
  if (!S_ISREG(inode->type)) return static_cast<void>(fuse_reply_err(request, ENXIO));
  if (!view.may(*inode, use_of(file->flags))) return reply_outcome(request, true);
  if (refused_exec(*inode, file->flags)) return reply_outcome(request, true);
  const int flags = file->flags & kHomeFlags;
  Fd fd(::open(FdName(inode->path.get()).c_str(), flags | O_CLOEXEC));
  if (!fd.valid()) return reply_outcome(request, true);
  const auto description = adopt(view, std::move(fd), flags, inode);
  fill_open(view, *inode, *description, *file);
  fuse_reply_open(request, file);
}

// A symbolic link is for the guest's kernel to follow. Not by O_NOFOLLOW, which would stay among
// the flags of the description for good, where the program sees it when it is home (F_GETFL).
Fd open_no_link(const Inode& parent, const char* name, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint32_t>(flags);
  how.mode = mode & 07777;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, parent.path.get(), name, &how, sizeof how)));
}

// O_NONBLOCK: the name may have become a FIFO. Or a symbolic link: ESTALE makes the guest's kernel
// look again.
Fd create_entry(const Inode& parent, const char* name, mode_t mode, int flags) {
  const int home_flags = (flags & (kHomeFlags | O_EXCL | O_NOFOLLOW)) | O_CREAT | O_CLOEXEC;
  Fd fd = open_no_link(parent, name, home_flags | O_NONBLOCK, mode);
  if (!fd.valid() && errno == EAGAIN)  // a lease is being broken
    fd = open_no_link(parent, name, home_flags, mode);
  if (!fd.valid() && (errno == ELOOP || errno == ENXIO)) errno = ESTALE;
  return fd;
}

bool is_regular(int fd) {
  struct stat attributes;
  return ::fstat(fd, &attributes) == 0 && S_ISREG(attributes.st_mode);
}

void create_file(fuse_req_t request, fuse_ino_t parent_node, const char* name, mode_t mode,
                 fuse_file_info* file) {
  auto& view = view_of(request);
  const auto parent = inode_for(request, parent_node);
  if (!parent) return;
  if (!view.may(*parent, name, KeptBack::Use::kWrite)) return reply_outcome(request, true);
  ::umask(fuse_req_ctx(request)->umask);
  auto fd = create_entry(*parent, name, mode, file->flags);
  if (!fd.valid()) return reply_outcome(request, true);
  if (!is_regular(fd.get())) return static_cast<void>(fuse_reply_err(request, ESTALE));
  ::fcntl(fd.get(), F_SETFL, file->flags & (O_APPEND | O_DIRECT));  // without O_NONBLOCK
  Fd path(::open(FdName(fd.get()).c_str(), O_PATH | O_CLOEXEC));
  fuse_entry_param entry;
  const auto inode =
      path.valid() ? view.make_entry(*parent, name, std::move(path), entry) : nullptr;
  if (!inode) return reply_outcome(request, true);
  const auto description = adopt(view, std::move(fd), file->flags, inode);
  fill_open(view, *inode, *description, *file);
  fuse_reply_create(request, &entry, file);
}

void release_file(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  release_description(view_of(request), file->fh);
  fuse_reply_err(request, 0);
}

}  // namespace

std::optional<ArmedDescription> open_armed_description(HomeView& view, const InodeRef& inode,
                                                       int flags) {
  auto name = view.descriptions.take_armed(inode->key, flags);
  if (!name) return std::nullopt;
  auto description = view.descriptions.find(name->id);
  if (!description) return std::nullopt;
  view.count_open(*description, *inode);
  description->attach(inode);
  return ArmedDescription{std::move(description), std::move(*name)};
}

void make_name_disappear(HomeView& view, const ArmedName& armed, const Inode& inode) {
  const auto parent = view.inodes.find(armed.parent);
  if (!parent) return;
  struct stat now;
  if (::fstatat(parent->path.get(), armed.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 &&
      key_of(now) == inode.key)
    return;
  fuse_lowlevel_notify_delete(view.session, parent->node, inode.node, armed.name.c_str(),
                              armed.name.size());
}

void release_description(HomeView& view, DescriptionId id) {
  auto description = view.descriptions.find(id);
  if (!description || !description->open.load())
    return;  // the peer cannot release what it never opened
  view.descriptions.remove(id);
  description.reset();  // closed before anybody is told, unless another request still uses it
  if (view.events().on_release) view.events().on_release(id);
}

void add_open_operations(fuse_lowlevel_ops& operations) {
  operations.open = open_file;
  operations.create = create_file;
  operations.release = release_file;
}

}  // namespace llrun::homefs
