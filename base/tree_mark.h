// The tree mark: how a process shows that it came from a program under llrun when its parent, which
// would have shown it, has ended.
//
// Two bits of the core dump filter (core(5), /proc/PID/coredump_filter) that concern mappings of
// DAX files alone, and so nearly nobody: the kernel hands the filter on at each fork and keeps it
// at each exec (include/linux/mm_types.h, MMF_INIT_LEGACY_MASK), the owner may set it from outside,
// and no call answers differently for it. tests/kernel/tracer guards this.
//
// Plain system calls, for the launcher, which has no C++ library to use.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace llrun::tree_mark {

inline constexpr unsigned long kUnderLlrun = 1UL << 8;  // MMF_DUMP_DAX_SHARED: of some tree
inline constexpr unsigned long kStays = 1UL << 7;       // MMF_DUMP_DAX_PRIVATE: of one with --stay
inline constexpr unsigned long kAll = kUnderLlrun | kStays;

namespace inside {

// The whole filter; 0: it cannot be read, or there is no memory to be dumped any more.
inline unsigned long filter_in(int fd) {
  char text[32];
  const ssize_t length = ::read(fd, text, sizeof text - 1);
  text[length > 0 ? length : 0] = 0;
  return std::strtoul(text, nullptr, 16);
}

inline int open_filter(int pid, int how) {
  char path[40];
  std::snprintf(path, sizeof path, "/proc/%d/coredump_filter", pid);
  return ::open(path, how | O_CLOEXEC);
}

}  // namespace inside

// 0: it has none, or cannot be read.
inline unsigned long read(int pid) {
  const int fd = inside::open_filter(pid, O_RDONLY);
  if (fd < 0) return 0;
  const unsigned long filter = inside::filter_in(fd);
  ::close(fd);
  return filter & kAll;
}

// What cannot be marked is found as long as its parent lives, as it would be without.
inline void write(int pid, unsigned long mark) {
  const int fd = inside::open_filter(pid, O_RDWR);
  if (fd < 0) return;
  const unsigned long now = inside::filter_in(fd);
  if (now != 0 && (now & kAll) != mark) {
    char text[32];
    const int length = std::snprintf(text, sizeof text, "0x%lx", (now & ~kAll) | mark);
    [[maybe_unused]] const ssize_t written =
        ::write(fd, text, static_cast<std::size_t>(length > 0 ? length : 0));
  }
  ::close(fd);
}

// What llrun itself starts in a shell under llrun is not of that shell's tree.
inline void clear_own() { write(::getpid(), 0); }

}  // namespace llrun::tree_mark
