// Names: looking them up, forgetting them, making, removing and moving them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "netproxy/homefs/home_view.h"

namespace llrun::homefs {
namespace {

Fd open_entry(const Inode& parent, const char* name) {
  return Fd(::openat(parent.path.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

void reply_entry(fuse_req_t request, const Inode& parent, const char* name, Fd path) {
  fuse_entry_param entry;
  if (!path.valid() || !view_of(request).make_entry(parent, name, std::move(path), entry))
    fuse_reply_err(request, errno);
  else
    fuse_reply_entry(request, &entry);
}

// A name that is armed gives the file of its description, whatever the name gives now (see
// HomeFileServer::arm), and nothing of it may be kept.
bool reply_armed_entry(fuse_req_t request, const Inode& parent, const char* name) {
  auto& view = view_of(request);
  const auto armed = view.descriptions.armed_name(parent.key, name);
  if (!armed) return false;
  const auto description = view.descriptions.find(armed->id);
  if (!description) return false;
  Fd path(::open(FdName(description->fd.get()).c_str(), O_PATH | O_CLOEXEC));
  fuse_entry_param entry;
  if (!path.valid() || !view.make_entry(parent, name, std::move(path), entry)) {
    fuse_reply_err(request, errno);
    return true;
  }
  entry.entry_timeout = 0;
  entry.attr_timeout = 0;
  fuse_reply_entry(request, &entry);
  return true;
}

void reply_negative_entry(fuse_req_t request) {
  fuse_entry_param none{};
  none.entry_timeout = view_of(request).negative_seconds();
  if (none.entry_timeout > 0)
    fuse_reply_entry(request, &none);
  else
    fuse_reply_err(request, ENOENT);
}

void lookup(fuse_req_t request, fuse_ino_t parent_node, const char* name) {
  const auto parent = inode_for(request, parent_node);
  if (!parent || reply_armed_entry(request, *parent, name)) return;
  auto path = open_entry(*parent, name);
  if (!path.valid() && errno == ENOENT) return reply_negative_entry(request);
  reply_entry(request, *parent, name, std::move(path));
}

void forget(fuse_req_t request, fuse_ino_t node, std::uint64_t lookups) {
  view_of(request).inodes.forget(node, lookups);
  fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  for (std::size_t i = 0; i < count; ++i)
    view_of(request).inodes.forget(forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(request);
}

// Else the request is answered.
bool may_change(fuse_req_t request, Inode& parent, const char* name,
                KeptBack::Use use = KeptBack::Use::kChange) {
  if (view_of(request).may(parent, name, use)) return true;
  reply_outcome(request, true);
  return false;
}

// Modes come unmasked, with the guest's mask beside them, since in a directory with default ACLs
// home's kernel has to ignore the mask. Each thread of the server has a mask of its own.
void take_mask(fuse_req_t request) { ::umask(fuse_req_ctx(request)->umask); }

void make_node(fuse_req_t request, fuse_ino_t parent_node, const char* name, mode_t mode,
               dev_t device) {
  const auto parent = inode_for(request, parent_node);
  if (!parent) return;
  if (!may_change(request, *parent, name)) return;
  take_mask(request);
  if (::mknodat(parent->path.get(), name, mode, device) != 0) return reply_outcome(request, true);
  reply_entry(request, *parent, name, open_entry(*parent, name));
}

void make_directory(fuse_req_t request, fuse_ino_t parent_node, const char* name, mode_t mode) {
  const auto parent = inode_for(request, parent_node);
  if (!parent) return;
  if (!may_change(request, *parent, name)) return;
  take_mask(request);
  if (::mkdirat(parent->path.get(), name, mode) != 0) return reply_outcome(request, true);
  reply_entry(request, *parent, name, open_entry(*parent, name));
}

void make_symlink(fuse_req_t request, const char* target, fuse_ino_t parent_node,
                  const char* name) {
  const auto parent = inode_for(request, parent_node);
  if (!parent) return;
  // Where something is kept back by this name, or by one below it, it would lie elsewhere from now.
  if (!may_change(request, *parent, name, KeptBack::Use::kMove)) return;
  if (::symlinkat(target, parent->path.get(), name) != 0) return reply_outcome(request, true);
  reply_entry(request, *parent, name, open_entry(*parent, name));
}

void make_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent_node, const char* name) {
  const auto inode = inode_for(request, node);
  if (!inode) return;
  const auto parent = inode_for(request, parent_node);
  if (!parent) return;
  if (!view_of(request).may(*inode, KeptBack::Use::kMove)) return reply_outcome(request, true);
  if (!may_change(request, *parent, name, KeptBack::Use::kMove)) return;
  // AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH.
  if (::linkat(AT_FDCWD, FdName(inode->path.get()).c_str(), parent->path.get(), name,
               AT_SYMLINK_FOLLOW) != 0)
    return reply_outcome(request, true);
  reply_entry(request, *parent, name, open_entry(*parent, name));
}

void remove(fuse_req_t request, fuse_ino_t parent_node, const char* name, int flags) {
  const auto parent = inode_for(request, parent_node);
  if (parent && may_change(request, *parent, name))
    reply_outcome(request, ::unlinkat(parent->path.get(), name, flags) != 0);
}

void unlink_file(fuse_req_t request, fuse_ino_t parent, const char* name) {
  remove(request, parent, name, 0);
}

void remove_directory(fuse_req_t request, fuse_ino_t parent, const char* name) {
  remove(request, parent, name, AT_REMOVEDIR);
}

void rename_entry(fuse_req_t request, fuse_ino_t from_node, const char* from_name,
                  fuse_ino_t to_node, const char* to_name, unsigned flags) {
  const auto from = inode_for(request, from_node);
  if (!from) return;
  const auto to = inode_for(request, to_node);
  if (!to) return;
  if (!may_change(request, *from, from_name, KeptBack::Use::kMove)) return;
  if (!may_change(request, *to, to_name, KeptBack::Use::kMove)) return;
  reply_outcome(request,
                ::renameat2(from->path.get(), from_name, to->path.get(), to_name, flags) != 0);
}

void read_link_target(fuse_req_t request, fuse_ino_t node) {
  const auto inode = inode_for(request, node);
  if (!inode) return;
  char target[PATH_MAX + 1];
  const auto length = ::readlinkat(inode->path.get(), "", target, sizeof target - 1);
  if (length < 0) return reply_outcome(request, true);
  target[length] = 0;
  fuse_reply_readlink(request, target);
}

}  // namespace

void add_entry_operations(fuse_lowlevel_ops& operations) {
  operations.lookup = lookup;
  operations.forget = forget;
  operations.forget_multi = forget_multi;
  operations.mknod = make_node;
  operations.mkdir = make_directory;
  operations.symlink = make_symlink;
  operations.link = make_link;
  operations.unlink = unlink_file;
  operations.rmdir = remove_directory;
  operations.rename = rename_entry;
  operations.readlink = read_link_target;
}

}  // namespace llrun::homefs
