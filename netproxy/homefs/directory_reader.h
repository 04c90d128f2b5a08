// DirectoryReader: the entries of an open directory, from any position that the kernel has given
// out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace llrun::homefs {

struct DirectoryEntry {
  ino_t number = 0;
  unsigned char type = 0;  // DT_*
  off_t next = 0;          // the position after it: home's own, which telldir(3) shows to programs
  const char* name = nullptr;
};

// Holds what it has read ahead. One reader at a time: lock mutex().
class DirectoryReader {
 public:
  explicit DirectoryReader(int fd) : fd_(fd), buffer_(std::size_t{32} << 10) {}

  [[nodiscard]] std::mutex& mutex() { return mutex_; }
  // Go to `position`. False: errno says why.
  [[nodiscard]] bool seek(off_t position);
  // The entry at the position: 1, 0 at the end, -1 with errno. Valid until the next call.
  [[nodiscard]] int peek(DirectoryEntry& entry);
  void advance(const DirectoryEntry& entry);

 private:
  int fd_;  // the description's
  std::mutex mutex_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  off_t position_ = -1;  // of the entry at begin_; -1: not known
};

}  // namespace llrun::homefs
