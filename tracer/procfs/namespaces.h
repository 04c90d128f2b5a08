// /proc/PID/ns and /proc/PID/root: the namespaces and the root a process lives in (namespaces(7)).
#pragma once

#include <map>
#include <string>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// "mnt" -> "mnt:[4026531841]", for each kind this kernel has, those for children included.
using Namespaces = std::map<std::string, std::string>;
[[nodiscard]] Result<Namespaces> read_namespaces(HostPid pid);

// Whether "/" of the process is our own "/".
[[nodiscard]] Result<bool> has_our_root(HostPid pid);

}  // namespace llrun::tracer
