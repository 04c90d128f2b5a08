// Where a guest's path leads in home's tree, and where it leaves that.
//
// A world has /proc and /dev of its own. A path that comes to one of these, by itself, by a
// symbolic link or by "..", is not looked up any further here, where it would find this process's
// own: what is left of it is the answer.
#pragma once

#include <sys/types.h>

#include <string>

namespace llrun {

struct PathEnd {
  mode_t mode = 0;      // of the file at its end
  int errno_value = 0;  // or why there is none
  std::string at;  // where that is, without symbolic links; what does not exist, as far as it goes
  std::string
      in_world;  // where it came to /proc, "." and ".." still in it, or ended in /dev; else empty
};

// `base`: the directory that a relative `path` starts from, without symbolic links. `follow`: also
// a link at the very end. Waits for the filesystems on the way.
[[nodiscard]] PathEnd walk_path(const std::string& base, const std::string& path, bool follow);

}  // namespace llrun
