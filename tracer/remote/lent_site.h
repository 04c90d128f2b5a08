// LentSite: where a program makes our first calls and our last, when nothing of ours is mapped in
// it.
#pragma once

#include "base/ids.h"
#include "base/result.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {

// The stub's returning code, behind the program's own until close(); where there is no room for it,
// an instruction of the program's own, single-stepped: whoever is killed there ends the program.
// No thread may run meanwhile. What is left behind by who was killed is found and used again.
class LentSite {
 public:
  [[nodiscard]] static Result<LentSite> open(HostPid pid);
  [[nodiscard]] const SyscallSite& site() const { return site_; }
  [[nodiscard]] Result<> close();

 private:
  LentSite(HostPid pid, SyscallSite site) : pid_(pid), site_(site) {}
  HostPid pid_;
  SyscallSite site_;
};

}  // namespace llrun::tracer
