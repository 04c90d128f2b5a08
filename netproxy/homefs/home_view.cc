#include "netproxy/homefs/home_view.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/log.h"
#include "netproxy/homefs/inode_path.h"

namespace llrun::homefs {
namespace {

double seconds(std::chrono::milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  LLRUN_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "RLIMIT_NOFILE");
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

bool may_write(const Inode& inode) {
  if (::faccessat(inode.path.get(), "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0) return true;
  return errno != EACCES;  // of a read-only filesystem, say: let home give the true reason
}

// In a directory with the sticky bit (/tmp) others' files stay theirs, and must not look like the
// user's own: some programs trust what they find there by its owner.
bool may_delete_in(const Inode& directory, uid_t user) {
  struct stat attributes;
  if (!may_write(directory) || ::fstatat(directory.path.get(), "", &attributes, AT_EMPTY_PATH) != 0)
    return false;
  return (attributes.st_mode & S_ISVTX) == 0 || attributes.st_uid == user;
}

// Whoever asks for more than this knows what he does.
constexpr unsigned kMostRefusalsNamed = 100;

thread_local Frame reply_frame;

}  // namespace

HomeView::HomeView(HomeFileServer::Options options, HomeFileServer::Events events)
    : options_(std::move(options)), events_(std::move(events)) {
  if (options_.uid == static_cast<uid_t>(-1)) options_.uid = ::geteuid();
  if (options_.gid == static_cast<gid_t>(-1)) options_.gid = ::getegid();
  if (options_.known_files == 0) options_.known_files = raise_descriptor_limit() / 2;
}

// The kernel refuses to write to, to delete and to change the attributes of what has an owner or
// group that it cannot map (inode_permission EACCES, may_delete and notify_change EOVERFLOW),
// before it asks us. So whatever the user could do something to must not show such an id; the rest
// is shown as nobody's, as it is.
bool HomeView::may_be_changed(const Inode& inode) const {
  return inode.deletable.load(std::memory_order_relaxed) || may_write(inode);
}

void HomeView::show_owners(const Inode& inode, struct stat& attributes) const {
  if (options_.owners == Owners::kTrue) return;
  const bool own = attributes.st_uid == options_.uid;
  if (own && attributes.st_gid == options_.gid) return;
  if (!own && !may_be_changed(inode)) return;
  attributes.st_uid = options_.uid;
  attributes.st_gid = options_.gid;
}

double HomeView::attribute_seconds(const Inode& inode, const struct stat& attributes) {
  if (inode.home_offsets.load() > 0) return 0;
  // Home's kernel takes set-id bits away at a write; the guest's must not think they are still
  // there.
  if ((attributes.st_mode & (S_ISUID | S_ISGID)) != 0 && S_ISREG(attributes.st_mode)) return 0;
  if (is_virtual(attributes.st_dev, inode.path.get())) return 0;
  return seconds(options_.attribute_timeout);
}

double HomeView::entry_seconds() const { return seconds(options_.entry_timeout); }
double HomeView::negative_seconds() const { return seconds(options_.negative_timeout); }

bool HomeView::read_attributes(Inode& inode, int fd, struct stat& attributes) {
  if (::fstatat(fd, "", &attributes, AT_EMPTY_PATH) != 0) return false;
  {
    const std::lock_guard lock(inode.versions_mutex);
    inode.reported = version_of(attributes);
  }
  show_owners(inode, attributes);
  return true;
}

InodeRef HomeView::make_entry(const Inode& parent, const char* name, Fd path,
                              fuse_entry_param& entry) {
  entry = {};
  struct stat attributes;
  if (::fstatat(path.get(), "", &attributes, AT_EMPTY_PATH) != 0) return nullptr;
  let_go_of_old_files();
  auto inode = inodes.remember(std::move(path), attributes);
  {
    const std::lock_guard lock(inode->place_mutex);
    inode->parent = parent.node;
    inode->name = name;
  }
  if (options_.owners == Owners::kSingleId && attributes.st_uid != options_.uid)
    inode->deletable.store(may_delete_in(parent, options_.uid), std::memory_order_relaxed);
  if (!read_attributes(*inode, inode->path.get(), entry.attr)) {
    inodes.forget(inode->node, 1);
    return nullptr;
  }
  entry.ino = inode->node;
  entry.attr_timeout = attribute_seconds(*inode, entry.attr);
  entry.entry_timeout = is_virtual(attributes.st_dev, inode->path.get()) ? 0 : entry_seconds();
  return inode;
}

// Each file that the peer's kernel knows costs a descriptor, and its cache is larger than our table
// may be. Told that a name is no longer valid, it drops the file if nobody uses it, and says so
// (FORGET).
void HomeView::let_go_of_old_files() {
  constexpr std::size_t kAtOnce = 64;
  if (inodes.size() < options_.known_files || entries_over_limit_++ % (kAtOnce / 2) != 0) return;
  for (const auto& inode : inodes.idle_files(kAtOnce)) {
    const std::lock_guard lock(inode->place_mutex);
    fuse_lowlevel_notify_inval_entry(session, inode->parent, inode->name.c_str(),
                                     inode->name.size());
  }
}

bool HomeView::is_virtual(dev_t device, int fd) {
  constexpr std::array<long, 10> kinds{
      PROC_SUPER_MAGIC,   SYSFS_MAGIC,         DEBUGFS_MAGIC, TRACEFS_MAGIC,  SECURITYFS_MAGIC,
      CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,  EFIVARFS_MAGIC, BINFMTFS_MAGIC};
  {
    const std::lock_guard lock(devices_mutex_);
    if (const auto at = virtual_devices_.find(device); at != virtual_devices_.end())
      return at->second;
  }
  struct statfs filesystem;  // without the lock: it may be long in coming, and others wait for that
  if (::fstatfs(fd, &filesystem) != 0) return false;
  const bool found = std::ranges::find(kinds, filesystem.f_type) != kinds.end();
  const std::lock_guard lock(devices_mutex_);
  virtual_devices_.emplace(device, found);
  return found;
}

bool HomeView::may(const std::string& path, KeptBack::Use use) {
  const auto verdict = options_.kept_back->verdict(path, use);
  if (verdict.errno_value == 0) return true;
  if (options_.uses) ++options_.uses->of(path)->refused;
  if (const unsigned before = refusals_++; before < kMostRefusalsNamed)
    log::warn("the peer asked for {:?}, which [view] keeps from it ({}): refused{}", path,
              verdict.rule, before + 1 < kMostRefusalsNamed ? "" : "; further ones are not named");
  errno = verdict.errno_value;
  return false;
}

bool HomeView::may(Inode& inode, KeptBack::Use use) {
  if (!options_.kept_back) return true;
  const auto path = path_of(inodes, inode);
  return path && may(*path, use);
}

bool HomeView::may(Inode& parent, const char* name, KeptBack::Use use) {
  if (!options_.kept_back) return true;
  const auto path = path_of(inodes, parent);
  return path && may(*path + "/" + name, use);
}

void HomeView::count_open(Description& description, Inode& inode) {
  if (!options_.uses || !S_ISREG(inode.type)) return;
  const auto path = path_of(inodes, inode);
  if (!path) return;
  description.use = options_.uses->of(*path);
  ++description.use->opened;
}

HomeView& view_of(fuse_req_t request) {
  return *static_cast<HomeView*>(fuse_req_userdata(request));
}

InodeRef inode_for(fuse_req_t request, fuse_ino_t node) {
  auto inode = view_of(request).inodes.find(node);
  if (!inode) fuse_reply_err(request, ESTALE);
  return inode;
}

DescriptionRef description_for(fuse_req_t request, const fuse_file_info* file) {
  auto description = view_of(request).descriptions.find(file->fh);
  if (description && description->open.load()) return description;
  fuse_reply_err(request, EBADF);
  return nullptr;
}

void reply_outcome(fuse_req_t request, bool failed) { fuse_reply_err(request, failed ? errno : 0); }

void reply_data(fuse_req_t request, Frame frame, std::size_t size) {
  reply_frame = std::move(frame);
  reply_frame.resize(kDataOffset + size);
  fuse_reply_buf(request, reinterpret_cast<const char*>(reply_frame.data() + kDataOffset), size);
  reply_frame = Frame();
}

Frame take_reply_frame(const void* data) {
  if (reply_frame.empty() || data != reply_frame.data() + kDataOffset) return {};
  return std::exchange(reply_frame, Frame());
}

}  // namespace llrun::homefs
