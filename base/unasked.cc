#include "base/unasked.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

namespace llrun {

Result<struct stat> stat_unasked(int directory, const std::string& path) {
  struct statx seen {};
  const int flags = AT_STATX_DONT_SYNC | (path.empty() ? AT_EMPTY_PATH : 0);
  if (::statx(directory, path.c_str(), flags, STATX_BASIC_STATS, &seen) != 0)
    return system_error("stat " + (path.empty() ? "a descriptor" : path));
  struct stat about {};
  about.st_dev = ::makedev(seen.stx_dev_major, seen.stx_dev_minor);
  about.st_rdev = ::makedev(seen.stx_rdev_major, seen.stx_rdev_minor);
  about.st_ino = seen.stx_ino;
  about.st_mode = seen.stx_mode;
  about.st_nlink = seen.stx_nlink;
  about.st_uid = seen.stx_uid;
  about.st_gid = seen.stx_gid;
  about.st_size = static_cast<off_t>(seen.stx_size);
  return about;
}

std::optional<bool> leads_to(const std::string& path, const struct stat& file) {
  const open_how how{.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_CACHED};
  const Fd there(
      static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (!there.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return std::nullopt;
  }
  const auto found = stat_unasked(there.get(), "");
  if (!found) return std::nullopt;
  return found->st_dev == file.st_dev && found->st_ino == file.st_ino;
}

}  // namespace llrun
