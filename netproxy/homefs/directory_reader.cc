#include "netproxy/homefs/directory_reader.h"

#include <dirent.h>
#include <unistd.h>

namespace llrun::homefs {

bool DirectoryReader::seek(off_t position) {
  if (position == position_) return true;
  begin_ = end_ = 0;
  if (::lseek(fd_, position, SEEK_SET) < 0) return false;
  position_ = position;
  return true;
}

int DirectoryReader::peek(DirectoryEntry& entry) {
  if (begin_ == end_) {
    const auto count = ::getdents64(fd_, buffer_.data(), buffer_.size());
    if (count <= 0) return static_cast<int>(count);
    begin_ = 0;
    end_ = static_cast<std::size_t>(count);
  }
  const auto* raw = reinterpret_cast<const dirent64*>(buffer_.data() + begin_);
  entry = {raw->d_ino, raw->d_type, raw->d_off, raw->d_name};
  return 1;
}

void DirectoryReader::advance(const DirectoryEntry& entry) {
  begin_ += reinterpret_cast<const dirent64*>(buffer_.data() + begin_)->d_reclen;
  position_ = entry.next;
}

}  // namespace llrun::homefs
