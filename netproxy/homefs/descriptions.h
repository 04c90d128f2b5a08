// Home's open file descriptions that a guest has, or is about to have, descriptors of.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "netproxy/homefs/description_ioctl.h"
#include "netproxy/homefs/directory_reader.h"
#include "netproxy/homefs/file_uses.h"
#include "netproxy/homefs/inode_table.h"

namespace llrun::homefs {

struct Description {
  DescriptionId id = 0;
  Fd fd;
  int flags = 0;             // F_GETFL when it came here
  bool home_offset = false;  // shared with processes outside: the offset of `fd` is the truth

  // What follows is there once a guest has opened it, which `open` says last.
  std::atomic<bool> open = false;
  InodeRef inode;
  FileUseRef use;  // null: not counted
  std::unique_ptr<DirectoryReader> directory;
  Fd positional;  // a second description; see file_operations.cc: write_page
  std::mutex positional_mutex;

  void attach(const InodeRef& file);
  ~Description();
};
using DescriptionRef = std::shared_ptr<Description>;

// A description that waits for the peer to open its file.
struct ArmedName {
  DescriptionId id = 0;
  FileKey parent;  // the directory in which the peer will look up `name`
  std::string name;
  FileKey file;
};

// Thread-safe.
class Descriptions {
 public:
  [[nodiscard]] DescriptionRef add(Fd fd, int flags, bool home_offset);
  [[nodiscard]] DescriptionRef find(DescriptionId id) const;
  DescriptionRef remove(DescriptionId id);  // null: unknown
  // Those of files with this inode number that the guest has open for reading.
  [[nodiscard]] std::vector<DescriptionRef> open_of(ino_t number) const;

  void arm(ArmedName armed);
  [[nodiscard]] std::optional<ArmedName> armed_name(const FileKey& parent,
                                                    const std::string& name) const;
  // The description that an open of `file` with these flags is to be, if any; it is armed no
  // longer.
  [[nodiscard]] std::optional<ArmedName> take_armed(const FileKey& file, int flags);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<DescriptionId, DescriptionRef> all_;
  std::vector<ArmedName> armed_;
  DescriptionId next_ = 1;
};

}  // namespace llrun::homefs
