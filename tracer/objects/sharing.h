// Sharing: which of a process's kernel objects other processes hold, too.
//
// An open file description that a stranger holds has one offset, one set of flags and one queue for
// both: a copy of it elsewhere would drift. So the offset of a shared file stays at home, and a
// pipe that others read, too, keeps the process at home. A shared file table, memory, working
// directory or signal table cannot be taken along at all.
//
// Two descriptors share a description when kcmp(2) KCMP_FILE says so. All processes whose
// descriptors may be listed are compared. The others ("strangers": other users' and non-dumpable
// processes) cannot be; such a process can only have come to a description by descent (or by being
// sent it), so the safe side is to believe that a stranger holds everything if it, or an ancestor
// of it, is in the process group of the process (a pipeline with sudo in it), or is the process
// itself. Such a process has come to its rights by an exec: what has only numbers with
// close-on-exec it cannot have (descriptors_judge.cc leaves that out).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/objects/pins.h"

namespace llrun::tracer {

// A process outside the job that holds something of it.
struct Holder {
  HostPid pid;
  std::string name;               // /proc/PID/comm
  bool same_description = false;  // false: another description of the same pipe or FIFO
  bool reads = false;
  bool writes = false;
};

// One description of the process, named by one of its descriptors.
struct SharedQuestion {
  int fd = -1;
  std::string link;  // readlink /proc/PID/fd/N: the same description has the same text everywhere
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool pipe = false;  // a pipe or FIFO: other descriptions of it matter, too
};

struct Sharing {
  std::map<int, std::vector<Holder>> holders;  // by SharedQuestion.fd; none: nobody seen
  std::vector<Holder> strangers;               // may hold any of them
};

// `job`: processes whose descriptors do not count as outside. The caller's own process never
// counts.
[[nodiscard]] Result<Sharing> find_sharing(HostPid pid,
                                           const std::vector<SharedQuestion>& questions,
                                           const std::vector<HostPid>& job);

// Memory, file table, working directory or signal actions shared with another process, or a thread
// that has taken its own file table or working directory.
[[nodiscard]] Result<Pins> sharing_pins(HostPid pid, const std::vector<HostPid>& job = {});

}  // namespace llrun::tracer
