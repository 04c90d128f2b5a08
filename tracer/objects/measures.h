// Measures: what the watcher asks once a second about a process: CPU time, memory, local I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// A regular file description as one descriptor shows it at one moment.
struct FilePosition {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  friend bool operator==(const FilePosition&, const FilePosition&) = default;
};

struct Measures {
  std::chrono::steady_clock::time_point taken;
  std::chrono::nanoseconds
      cpu_time{};                     // all threads, user and system: the process's CPU-time clock
  std::uint64_t resident_bytes = 0;   // /proc/PID/statm
  std::uint64_t anonymous_bytes = 0;  // of these, what no file has: what would have to travel
  std::uint64_t characters_read =
      0;  // rchar, wchar of /proc/PID/io: every read and write call's bytes,
  std::uint64_t characters_written = 0;  // cached or not, pipes, sockets and terminals included
  std::uint64_t disk_bytes = 0;       // read_bytes + write_bytes: what reached or will reach a disk
  std::map<int, FilePosition> files;  // descriptors of regular files
  bool has_streams = false;  // holds a pipe, socket or device that could carry the characters
};

// The CPU time that all threads of a process have used together: its CPU-time clock
// (clock_getcpuclockid(3)), a system call or two.
[[nodiscard]] Result<std::chrono::nanoseconds> cpu_time_of(HostPid pid);

// Never attaches or stops it. About 5 µs a descriptor.
[[nodiscard]] Result<Measures> measure(HostPid pid);

// Bytes read from and written to regular files between two measures of one process.
//
// The kernel counts characters over all descriptors together. Without pipes, sockets and devices
// (terminals carry next to nothing) all of them went to files: exact. With them, what is certain is
// how far each file position has gone forward, and what went to a disk: the larger of the two,
// never more than the characters. That measures sequential I/O exactly and misses pread/pwrite and
// re-reading from the page cache, and files opened and closed between the measures. I/O through
// mappings is seen only where it reaches a disk, and only as far as characters allow.
[[nodiscard]] std::uint64_t file_bytes_between(const Measures& earlier, const Measures& later);

// CPU seconds used per second of real time.
[[nodiscard]] double cpu_rate_between(const Measures& earlier, const Measures& later);

}  // namespace llrun::tracer
