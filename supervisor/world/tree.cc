#include "supervisor/world/tree.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace llrun::world {
namespace {

Result<> mount_or_say(const char* what, const std::string& source, const std::string& target,
                      const char* type, unsigned long flags, const char* data = nullptr) {
  if (::mount(source.c_str(), target.c_str(), type, flags, data) != 0)
    return system_error(std::string("build a world: ") + what);
  return {};
}

Result<> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0) return system_error("build a world: mkdir " + path);
  return {};
}

Result<> bind_device(const std::string& name, const std::string& dev) {
  const std::string target = dev + "/" + name;
  LLRUN_TRY(open_file(target, O_CREAT | O_WRONLY, 0666));
  return mount_or_say(("bind /dev/" + name).c_str(), "/dev/" + name, target, nullptr, MS_BIND);
}

Result<> make_link(const char* target, const std::string& path) {
  if (::symlink(target, path.c_str()) != 0) return system_error("build a world: link " + path);
  return {};
}

Result<> remount_read_only(const std::string& path) {
  return mount_or_say("make /dev read-only", "none", path, nullptr,
                      MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC);
}

// Covering a directory in this mount namespace hides it from nobody else. Any that exists
// everywhere will do but those that are still needed: /dev and /proc.
Result<std::string> mount_scratch() {
  for (const char* place : {"/sys", "/mnt", "/srv", "/tmp"})
    if (::mount("llrun", place, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=64,mode=755") ==
        0)
      return std::string(place);
  return system_error("build a world: mount a tmpfs");
}

}  // namespace

Result<Tree> Tree::stage(const StageOptions& options) {
  LLRUN_TRY(mount_or_say("make its mounts private", "none", "/", nullptr, MS_REC | MS_PRIVATE));
  LLRUN_TRY_ASSIGN(const std::string scratch, mount_scratch());
  Tree tree;
  tree.view_ = scratch + "/view";
  tree.proc_ = scratch + "/proc";
  tree.dev_ = scratch + "/dev";
  for (const auto& path : {tree.view_, tree.proc_, tree.dev_}) LLRUN_TRY(make_directory(path));
  LLRUN_TRY(tree.stage_proc());
  LLRUN_TRY(tree.stage_dev(options));
  return tree;
}

Result<> Tree::stage_proc() {
  if (::mount("proc", proc_.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    // fs/namespace.c mount_too_revealing(): where parts of /proc are covered, as in containers.
    if (errno == EPERM)
      return failure(
          ErrorCode::kUnsupported,
          "mount a new /proc: refused, since parts of this node's /proc are covered, as in a "
          "container (docker: --security-opt systempaths=unconfined)");
    return system_error("build a world: mount /proc");
  }
  // They tell of the keys of this node's user, whoever has made the world.
  for (const char* name : {"/keys", "/key-users"})
    if (::access((proc_ + name).c_str(), F_OK) == 0)
      LLRUN_TRY(mount_or_say("cover /proc/keys", "/dev/null", proc_ + name, nullptr, MS_BIND));
  LLRUN_TRY_ASSIGN(last_pid_, open_file(proc_ + "/sys/kernel/ns_last_pid", O_WRONLY));
  return {};
}

Result<> Tree::stage_dev(const StageOptions& options) {
  const char* owner = options.root_mapped ? "size=1m,nr_inodes=64,mode=755,uid=0,gid=0"
                                          : "size=1m,nr_inodes=64,mode=755";
  LLRUN_TRY(mount_or_say("mount /dev", "llrun", dev_, "tmpfs", MS_NOSUID | MS_NOEXEC, owner));
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"})
    LLRUN_TRY(bind_device(name, dev_));
  LLRUN_TRY(make_link("/proc/self/fd", dev_ + "/fd"));
  LLRUN_TRY(make_link("/proc/self/fd/0", dev_ + "/stdin"));
  LLRUN_TRY(make_link("/proc/self/fd/1", dev_ + "/stdout"));
  LLRUN_TRY(make_link("/proc/self/fd/2", dev_ + "/stderr"));
  LLRUN_TRY(make_link("pts/ptmx", dev_ + "/ptmx"));
  for (const char* name : {"/pts", "/shm"}) LLRUN_TRY(make_directory(dev_ + name));
  const char* terminals = options.terminals_mapped ? "newinstance,ptmxmode=0666,mode=620,gid=5"
                                                   : "newinstance,ptmxmode=0666,mode=620";
  LLRUN_TRY(mount_or_say("mount /dev/pts", "devpts", dev_ + "/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                         terminals));
  LLRUN_TRY_ASSIGN(pts_, open_file(dev_ + "/pts", O_PATH | O_DIRECTORY));
  return {};
}

Result<> Tree::enter() {
  // Shared memory objects are files of home's, so a guest finds them where they were.
  const std::string shm = view_ + "/dev/shm";
  if (::access(shm.c_str(), F_OK) == 0)
    LLRUN_TRY(mount_or_say("bind home's /dev/shm", shm, dev_ + "/shm", nullptr, MS_BIND));
  LLRUN_TRY(remount_read_only(dev_));
  LLRUN_TRY(mount_or_say("put /proc over the file view", proc_, view_ + "/proc", nullptr, MS_MOVE));
  LLRUN_TRY(mount_or_say("put /dev over the file view", dev_, view_ + "/dev", nullptr, MS_MOVE));
  if (::chdir(view_.c_str()) != 0) return system_error("build a world: enter the file view");
  // With "." twice the old root comes to lie on top of the new one and can be taken off:
  // pivot_root(2).
  if (::syscall(SYS_pivot_root, ".", ".") != 0)
    return system_error("build a world: make the file view the root");
  if (::umount2(".", MNT_DETACH) != 0) return system_error("build a world: leave the old root");
  if (::chdir("/") != 0) return system_error("build a world: enter its root");
  return {};
}

}  // namespace llrun::world
