// Descriptors: the open file descriptions of a process and the numbers that refer to them.
//
// Capture looks at each descriptor from outside (/proc/PID/fd, fdinfo), groups the numbers into
// open file descriptions by kcmp(2), takes a duplicate of each description by pidfd_getfd(2), and
// makes a record or a pin of it. Nothing is stolen: what is in a pipe inside the process is copied
// by tee(2).
#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/pins.h"

namespace llrun::tracer {

struct DescriptorCapture {
  // home_id of each is its index in `duplicates`, unless the options said otherwise.
  std::vector<image::Description> descriptions;
  std::vector<image::Descriptor> descriptors;  // in the order of their numbers
  std::vector<Fd> duplicates;                  // the same description, in our own table
  Pins pins;  // if any: the process may not move, the rest is incomplete
};

// The far end of something that came from home: for a guest, whose outer pipes and terminals are
// local stand-ins made by the supervisor.
struct OuterEnd {
  std::uint64_t home_id = 0;
  image::Description::Kind kind = image::Description::KIND_UNSPECIFIED;
};

struct CaptureOptions {
  // Processes that do not count as others that share a description (sharing.h).
  std::vector<HostPid> job;
  // Look for other processes that hold the descriptions. A guest has none: false.
  bool look_for_sharing = true;
  // A guest's paths are those of its home: looked up here they lead to files of this node.
  bool names_are_ours = true;
  // A guest's regular file or directory: home's id of it (the file view's handle), asked of our
  // duplicate. None: a pin. Empty function: home_id is the index.
  std::function<std::optional<std::uint64_t>(int duplicate, const image::Description&)> file_id;
  // A guest's pipe or terminal (our duplicate of it, and its st_dev, st_ino, st_rdev): what it
  // stands for. None: it is the guest's own. Empty function: no stand-ins.
  std::function<std::optional<OuterEnd>(int duplicate, const struct stat&)> outer_end;
};

// All threads of `pid` are stopped, or the answer may be out of date as soon as it is given.
// `pidfd` refers to `pid`. Needs no injection.
[[nodiscard]] Result<DescriptorCapture> capture_descriptors(HostPid pid, const Fd& pidfd,
                                                            const CaptureOptions& options = {});

// The pins of capture_descriptors() alone: takes duplicates and gives them back at once, reads no
// pipe.
[[nodiscard]] Result<Pins> shared_descriptor_pins(HostPid pid, const Fd& pidfd,
                                                  const std::vector<HostPid>& job);

}  // namespace llrun::tracer
