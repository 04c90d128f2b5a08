// HomeView: what all operations of a server share. The operations themselves are in
// *_operations.cc.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 314
#endif
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "netproxy/homefs/descriptions.h"
#include "netproxy/homefs/home_file_server.h"
#include "netproxy/homefs/inode_table.h"

namespace llrun::homefs {

class HomeView {
 public:
  HomeView(HomeFileServer::Options options, HomeFileServer::Events events);

  [[nodiscard]] const HomeFileServer::Options& options() const { return options_; }
  [[nodiscard]] const HomeFileServer::Events& events() const { return events_; }
  InodeTable inodes;
  Descriptions descriptions;
  fuse_session* session = nullptr;

  // What the guest may be shown as the file's attributes: owners that its world can name (Owners).
  void show_owners(const Inode& inode, struct stat& attributes) const;
  // How long the guest may believe the attributes, seconds.
  [[nodiscard]] double attribute_seconds(const Inode& inode, const struct stat& attributes);
  [[nodiscard]] double entry_seconds() const;
  [[nodiscard]] double negative_seconds() const;

  // The reply that names the file behind `path` as an entry of `parent`. Counts a lookup. Null:
  // errno.
  [[nodiscard]] InodeRef make_entry(const Inode& parent, const char* name, Fd path,
                                    fuse_entry_param& entry);
  // Attributes as the guest may see them; false: errno.
  [[nodiscard]] bool read_attributes(Inode& inode, int fd, struct stat& attributes);
  // A filesystem such as /proc, whose files give data whatever size they say, made anew for each
  // reader.
  [[nodiscard]] bool is_virtual(dev_t device, int fd);

  // Whether the peer may use the file so, or what has this name in `parent`; else errno says why
  // not, and the log what was asked for (kept_back.h).
  [[nodiscard]] bool may(Inode& inode, KeptBack::Use use);
  [[nodiscard]] bool may(Inode& parent, const char* name, KeptBack::Use use);
  // To be called before the description is attached: from then on the peer may read.
  void count_open(Description& description, Inode& inode);

 private:
  [[nodiscard]] bool may(const std::string& path, KeptBack::Use use);
  [[nodiscard]] bool may_be_changed(const Inode& inode) const;
  void let_go_of_old_files();

  HomeFileServer::Options options_;
  HomeFileServer::Events events_;
  std::atomic<unsigned> entries_over_limit_ = 0;
  std::atomic<unsigned> refusals_ = 0;
  std::mutex devices_mutex_;
  std::unordered_map<dev_t, bool> virtual_devices_;
};

// "/proc/self/fd/N": the only name of an O_PATH descriptor's file that calls without AT_EMPTY_PATH
// take.
class FdName {
 public:
  explicit FdName(int fd) : text_("/proc/self/fd/" + std::to_string(fd)) {}
  [[nodiscard]] const char* c_str() const { return text_.c_str(); }

 private:
  std::string text_;
};

[[nodiscard]] HomeView& view_of(fuse_req_t request);
// The inode or description a request names, or null and the request is answered (ESTALE, EBADF).
[[nodiscard]] InodeRef inode_for(fuse_req_t request, fuse_ino_t node);
[[nodiscard]] DescriptionRef description_for(fuse_req_t request, const fuse_file_info* file);
// Answer with errno if `failed`, else 0.
void reply_outcome(fuse_req_t request, bool failed);
// Answer with `size` bytes that have been put into `frame` at kDataOffset, without copying them
// again.
inline constexpr std::size_t kDataOffset = 16;  // of data in a reply: sizeof(fuse_out_header)
void reply_data(fuse_req_t request, Frame frame, std::size_t size);
// What reply_data() left for the sender on this thread, if `data` lies in it.
[[nodiscard]] Frame take_reply_frame(const void* data);

void add_entry_operations(fuse_lowlevel_ops& operations);  // lookup, forget, create, remove, rename
void add_attribute_operations(fuse_lowlevel_ops& operations);  // of inodes, access, filesystem
void add_xattr_operations(fuse_lowlevel_ops& operations);
void add_open_operations(fuse_lowlevel_ops& operations);  // open, create, release
void add_file_operations(fuse_lowlevel_ops& operations);  // on open files
void add_directory_operations(fuse_lowlevel_ops& operations);

}  // namespace llrun::homefs
