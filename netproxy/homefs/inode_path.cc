#include "netproxy/homefs/inode_path.h"

#include <fcntl.h>

#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "netproxy/homefs/home_view.h"

namespace llrun::homefs {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

// The kernel fails with ENAMETOOLONG where the name is longer than a page
// (fs/proc/base.c: do_proc_readlink).
std::optional<std::string> name_of(int fd) {
  auto path = read_link(FdName(fd).c_str());
  if (!path) {
    errno = path.error().errno_value;
    return std::nullopt;
  }
  return *path == "/" ? "" : std::move(*path);
}

bool is(const FileKey& key, int directory, const std::string& name) {
  struct stat now {};
  return ::fstatat(directory, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 && key_of(now) == key;
}

struct Place {
  InodeRef parent;
  std::string name;
};

// Where the peer has looked it up last, if it is still there.
std::optional<Place> place_of(const InodeTable& inodes, Inode& inode) {
  Place place;
  {
    const std::lock_guard lock(inode.place_mutex);
    place = {inodes.find(inode.parent), inode.name};
  }
  if (place.parent && is(inode.key, place.parent->path.get(), place.name)) return place;
  errno = ESTALE;
  return std::nullopt;
}

std::optional<std::string> nearest_name_above(Fd directory) {
  for (int steps = 0; steps < PATH_MAX; ++steps) {
    if (auto path = name_of(directory.get()); path || errno != ENAMETOOLONG) return path;
    directory = Fd(::openat(directory.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  return std::nullopt;
}

std::optional<std::string> nearest_name(const InodeTable& inodes, Inode& inode) {
  if (S_ISDIR(inode.type)) return nearest_name_above(inode.path.duplicate().value_or(Fd()));
  const auto place = place_of(inodes, inode);
  return place ? nearest_name_above(place->parent->path.duplicate().value_or(Fd())) : std::nullopt;
}

}  // namespace

std::optional<std::string> path_of(const InodeTable& inodes, Inode& inode) {
  auto path = name_of(inode.path.get());
  if (!path) return errno == ENAMETOOLONG ? nearest_name(inodes, inode) : std::nullopt;
  if (!path->ends_with(kDeleted) || is(inode.key, AT_FDCWD, *path)) return path;
  struct stat now {};
  if (::fstat(inode.path.get(), &now) != 0) return std::nullopt;
  path->resize(path->size() - kDeleted.size());
  if (now.st_nlink == 0 || S_ISDIR(inode.type)) return path;
  const auto place = place_of(inodes, inode);
  if (!place) return std::nullopt;
  auto above = path_of(inodes, *place->parent);
  return above ? std::optional(*above + "/" + place->name) : std::nullopt;
}

}  // namespace llrun::homefs
