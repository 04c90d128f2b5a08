// The files of home that the peer's kernel knows, each held by an O_PATH descriptor.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"

namespace llrun::homefs {

// Which file of home's kernel. Unique as long as a descriptor of it is open.
struct FileKey {
  dev_t device = 0;
  ino_t number = 0;
  friend bool operator==(const FileKey&, const FileKey&) = default;
};
[[nodiscard]] inline FileKey key_of(const struct stat& attributes) {
  return {attributes.st_dev, attributes.st_ino};
}
struct FileKeyHash {
  std::size_t operator()(const FileKey& key) const {
    return std::hash<std::uint64_t>{}(key.number * 0x9E3779B97F4A7C15U + key.device);
  }
};

// What changes when a file's contents do.
struct FileVersion {
  timespec modified{}, changed{};
  off_t size = 0;
  friend bool operator==(const FileVersion& a, const FileVersion& b) {
    return a.size == b.size && a.modified.tv_sec == b.modified.tv_sec &&
           a.modified.tv_nsec == b.modified.tv_nsec && a.changed.tv_sec == b.changed.tv_sec &&
           a.changed.tv_nsec == b.changed.tv_nsec;
  }
};
[[nodiscard]] inline FileVersion version_of(const struct stat& attributes) {
  return {attributes.st_mtim, attributes.st_ctim, attributes.st_size};
}

struct Inode {
  FileKey key;
  std::uint64_t node = 0;  // the name the peer's kernel has for it; never reused
  Fd path;                 // O_PATH
  mode_t type = 0;         // S_IFMT

  // Seen in a directory in which the user may delete it.
  std::atomic<bool> deletable = false;
  // Open descriptions whose offset is kept at home: the guest may believe no attribute of the file.
  std::atomic<int> home_offsets = 0;

  // What the peer's kernel has been told last, and what it had when it last began to keep pages.
  std::mutex versions_mutex;
  std::optional<FileVersion> reported, opened;

  // Where it was seen last: how to tell the peer's kernel to let go of it.
  std::mutex place_mutex;
  std::uint64_t parent = 0;
  std::string name;

  std::uint64_t lookups = 0;  // the table's: how many replies have named this node
};
using InodeRef = std::shared_ptr<Inode>;

// Thread-safe. A node lives as long as the peer's kernel remembers it; an Inode as long as anybody
// uses it.
class InodeTable {
 public:
  static constexpr std::uint64_t kRoot = 1;

  void set_root(Fd path, const struct stat& attributes);
  // Null: a node that was never told or has been forgotten.
  [[nodiscard]] InodeRef find(std::uint64_t node) const;
  [[nodiscard]] InodeRef find(const FileKey& key) const;
  // The inode of the file behind `path`, counting one more reply that names it.
  [[nodiscard]] InodeRef remember(Fd path, const struct stat& attributes);
  void forget(std::uint64_t node, std::uint64_t lookups);
  [[nodiscard]] std::size_t size() const;
  // Up to `count` files that nobody has open here, oldest first, beginning where the last call
  // ended. No directories: mounts of the world may lie on or below them, which letting go would
  // detach.
  [[nodiscard]] std::vector<InodeRef> idle_files(std::size_t count);

 private:
  InodeRef insert(Fd path, const struct stat& attributes);

  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, InodeRef> by_node_;
  std::unordered_map<FileKey, InodeRef, FileKeyHash> by_key_;
  std::uint64_t next_node_ = kRoot;
  std::uint64_t idle_cursor_ = kRoot;
};

}  // namespace llrun::homefs
