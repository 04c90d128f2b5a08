// Which files a call changes: of the calls that the table decides by path (PathChange, PathMove).
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/protocol/job.pb.h"
#include "tracer/filter/notifier.h"

namespace llrun {

struct ChangedFile {
  int directory = 0;   // from which a relative path starts; AT_FDCWD: the working directory
  std::string path;    // empty: what `directory` itself is a descriptor of
  bool follow = true;  // a symbolic link at the end of the path
  protocol::Classify::Use use = protocol::Classify::USE_CHANGE;
};

// By the call's registers and what they point to in the guest's memory. An error: that cannot be
// read, and what to make of it is the kernel's to say.
[[nodiscard]] Result<std::vector<ChangedFile>> changed_files(HostPid guest,
                                                             const NotifiedCall& call);

}  // namespace llrun
