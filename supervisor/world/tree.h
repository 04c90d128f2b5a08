// Tree: the files of a world: the file view as the root, and over it what must be this kernel's
// own.
//
// In two steps, since the file view answers only once its server runs. stage() touches nothing of
// it: private mounts, a scratch tmpfs, in it /proc, /dev with the few devices that a guest may
// have, and the view mounted beside. enter() looks up "proc" and "dev" in the view, moves the
// mounts there and makes it the root.
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace llrun::world {

class Tree {
 public:
  struct StageOptions {
    bool root_mapped = false;       // uid and gid 0 exist here: own /dev by them
    bool terminals_mapped = false;  // gid 5 (tty) does: terminals belong to it, as on every Linux
  };
  // In new mount and pid namespaces, with CAP_SYS_ADMIN in their user namespace.
  [[nodiscard]] static Result<Tree> stage(const StageOptions& options);

  [[nodiscard]] const std::string& view_mountpoint() const { return view_; }
  [[nodiscard]] Result<> enter();

  // Kept open, so that they are reached without a file of the view being touched.
  [[nodiscard]] int pts_directory() const { return pts_.get(); }
  [[nodiscard]] int last_pid() const { return last_pid_.get(); }  // ns_last_pid, for writing

 private:
  [[nodiscard]] Result<> stage_proc();
  [[nodiscard]] Result<> stage_dev(const StageOptions& options);

  std::string view_, proc_, dev_;
  Fd pts_, last_pid_;
};

}  // namespace llrun::world
