// Open directories.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "netproxy/homefs/home_view.h"
#include "netproxy/homefs/opening.h"

namespace llrun::homefs {
namespace {

void reply_opened(fuse_req_t request, const Description& description, fuse_file_info& file) {
  file.fh = description.id;
  fuse_reply_open(request, &file);
}

void open_directory(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  auto& view = view_of(request);
  const auto inode = inode_for(request, node);
  if (!inode) return;
  if (const auto armed = open_armed_description(view, inode, file->flags)) {
    reply_opened(request, *armed->description, *file);
    return make_name_disappear(view, armed->name, *inode);
  }
  const int flags = O_RDONLY | O_DIRECTORY | (file->flags & O_NOATIME);
  Fd fd(::open(FdName(inode->path.get()).c_str(), flags | O_CLOEXEC));
  if (!fd.valid()) return reply_outcome(request, true);
  const auto description = view.descriptions.add(std::move(fd), flags, false);
  description->attach(inode);
  reply_opened(request, *description, *file);
}

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

struct stat plain_attributes(const DirectoryEntry& entry) {
  struct stat attributes {};
  attributes.st_ino = entry.number;
  attributes.st_mode = static_cast<mode_t>(DTTOIF(entry.type));
  return attributes;
}

// Puts entries into `size` bytes until they are full.
class EntryList {
 public:
  EntryList(fuse_req_t request, const Inode& directory, std::size_t size)
      : request_(request), directory_(directory), size_(size), frame_(kDataOffset + size) {}

  bool add_plain(const DirectoryEntry& entry) {
    const auto attributes = plain_attributes(entry);
    return took(fuse_add_direntry(request_, at(), left(), entry.name, &attributes, entry.next));
  }
  // With everything a lookup would say, for which the kernel will not ask then.
  bool add_plus(const DirectoryEntry& entry) {
    fuse_entry_param param{};
    param.attr = plain_attributes(entry);
    if (fuse_add_direntry_plus(request_, nullptr, 0, entry.name, &param, 0) > left()) return false;
    const auto inode = is_dot(entry.name) ? nullptr : look_up(entry, param);
    if (took(fuse_add_direntry_plus(request_, at(), left(), entry.name, &param, entry.next)))
      return true;
    if (inode) view_of(request_).inodes.forget(inode->node, 1);
    return false;
  }
  void reply() { reply_data(request_, std::move(frame_), used_); }
  [[nodiscard]] bool empty() const { return used_ == 0; }

 private:
  [[nodiscard]] char* at() { return reinterpret_cast<char*>(frame_.data() + kDataOffset + used_); }
  [[nodiscard]] std::size_t left() const { return size_ - used_; }
  bool took(std::size_t count) {
    if (count > left()) return false;
    used_ += count;
    return true;
  }
  // An entry that is gone by now, or may not be looked at, is only listed.
  InodeRef look_up(const DirectoryEntry& entry, fuse_entry_param& param) {
    auto& view = view_of(request_);
    if (view.descriptions.armed_name(directory_.key, entry.name)) return nullptr;
    Fd path(::openat(directory_.path.get(), entry.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    fuse_entry_param full;
    auto inode =
        path.valid() ? view.make_entry(directory_, entry.name, std::move(path), full) : nullptr;
    if (inode) param = full;
    return inode;
  }

  fuse_req_t request_;
  const Inode& directory_;
  std::size_t size_;
  Frame frame_;
  std::size_t used_ = 0;
};

void list_directory(fuse_req_t request, std::size_t size, off_t offset, fuse_file_info* file,
                    bool plus) {
  const auto description = description_for(request, file);
  if (!description) return;
  if (!description->directory) return static_cast<void>(fuse_reply_err(request, ENOTDIR));
  auto& reader = *description->directory;
  const std::lock_guard lock(reader.mutex());
  // The guest's position says that home's is meant (kHomeOffsetBase); the entries then tell it
  // where it is.
  if (description->home_offset && offset >= kHomeOffsetBase)
    offset = ::lseek(description->fd.get(), 0, SEEK_CUR);
  if (!reader.seek(offset)) return reply_outcome(request, true);
  EntryList list(request, *description->inode, size);
  DirectoryEntry entry;
  int found = 0;
  while ((found = reader.peek(entry)) > 0 && (plus ? list.add_plus(entry) : list.add_plain(entry)))
    reader.advance(entry);
  if (found < 0 && list.empty()) return reply_outcome(request, true);
  list.reply();
}

void read_directory(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset,
                    fuse_file_info* file) {
  list_directory(request, size, offset, file, false);
}

void read_directory_plus(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset,
                         fuse_file_info* file) {
  list_directory(request, size, offset, file, true);
}

void release_directory(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  release_description(view_of(request), file->fh);
  fuse_reply_err(request, 0);
}

void sync_directory(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* file) {
  const auto description = description_for(request, file);
  if (!description) return;
  const int fd = description->fd.get();
  reply_outcome(request, (data_only != 0 ? ::fdatasync(fd) : ::fsync(fd)) != 0);
}

}  // namespace

void add_directory_operations(fuse_lowlevel_ops& operations) {
  operations.opendir = open_directory;
  operations.readdir = read_directory;
  operations.readdirplus = read_directory_plus;
  operations.releasedir = release_directory;
  operations.fsyncdir = sync_directory;
}

}  // namespace llrun::homefs
