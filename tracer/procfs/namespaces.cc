#include "tracer/procfs/namespaces.h"

#include <sys/stat.h>

#include <array>

#include "base/fd.h"

namespace llrun::tracer {
namespace {
constexpr std::array kKinds = {
    "mnt", "pid", "net", "user", "ipc", "uts", "time", "pid_for_children", "time_for_children"};
}

Result<Namespaces> read_namespaces(HostPid pid) {
  Namespaces found;
  for (const char* kind : kKinds) {
    auto link = read_link("/proc/" + std::to_string(pid.value) + "/ns/" + kind);
    if (!link && link.error().errno_value == ENOENT) continue;  // not in this kernel, or none yet
    if (!link) return std::unexpected(link.error());
    found[kind] = *link;
  }
  return found;
}

Result<bool> has_our_root(HostPid pid) {
  struct stat theirs {};
  struct stat ours {};
  const std::string path = "/proc/" + std::to_string(pid.value) + "/root";
  if (::stat(path.c_str(), &theirs) != 0) return system_error("stat " + path);
  if (::stat("/", &ours) != 0) return system_error("stat /");
  return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

}  // namespace llrun::tracer
