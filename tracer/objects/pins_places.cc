// Where a process is in the file tree: its guest must get there by a name.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "tracer/objects/pins_parts.h"

namespace llrun::tracer {
namespace {

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// O_PATH and then X_OK: what chdir(2) asks for.
int cannot_enter(const std::string& path, const struct stat& own) {
  struct stat named {};
  if (::stat(path.c_str(), &named) != 0) return errno;
  if (!same_file(named, own)) return ENOENT;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

}  // namespace

void add_place_pins(HostPid pid, Pins& pins) {
  const std::string link = "/proc/" + std::to_string(pid.value) + "/cwd";
  const auto path = read_link(link);
  struct stat own {};
  if (!path && path.error().errno_value == ENAMETOOLONG)
    pins.push_back({"its working directory has a name that is too long to go to",
                    "it can move once it has changed to another one"});
  if (!path || ::stat(link.c_str(), &own) != 0) return;  // who may not look has his pin already
  const int problem = cannot_enter(*path, own);
  if (problem == 0) return;
  const bool removed = problem == ENOENT || problem == ENOTDIR;
  pins.push_back({removed ? "its working directory has been removed or covered: " + *path
                          : "its working directory " + *path +
                                " cannot be entered any more: " + std::strerror(problem),
                  removed
                      ? "start it in a directory that stays; it can move once it has changed to one"
                      : "it can move once the directory can be entered again"});
}

}  // namespace llrun::tracer
