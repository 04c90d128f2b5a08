// Looks at files that ask no filesystem's server: an NFS server, an sshfs, an automount that does
// not answer stops whoever asks it, for as long as it likes.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace llrun {

// stat(2) of what `path` leads to from `directory` (an empty path: of `directory` itself), by what
// this kernel knows of the file (AT_STATX_DONT_SYNC). Type, device and inode are right; sizes and
// times may be old. Only for paths of /proc and for descriptors: the way to a file may ask, too.
[[nodiscard]] Result<struct stat> stat_unasked(int directory, const std::string& path);

// Does `path` lead to this file, as far as the kernel's own cache of names can tell
// (openat2(2), RESOLVE_CACHED, Linux 5.12)? None: somebody would have to be asked.
[[nodiscard]] std::optional<bool> leads_to(const std::string& path, const struct stat& file);

}  // namespace llrun
