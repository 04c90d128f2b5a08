// CloneCall: what a thread asks of clone(2) or clone3(2), read once.
//
// What clone3 is asked for lies in memory that another thread may change between our look and the
// kernel's. So a new thread is always made by clone, whose arguments are registers.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/ptrace/ptrace.h"

namespace llrun {

struct CloneCall {
  std::uint64_t flags = 0;
  std::uint64_t stack = 0;  // its upper end
  std::uint64_t parent_tid = 0;
  std::uint64_t child_tid = 0;
  std::uint64_t tls = 0;
  bool plain = false;  // nothing is asked for but what this says

  // Of a thread that is stopped before the call. The error is what the kernel would say (EFAULT).
  [[nodiscard]] static Result<CloneCall> read(HostPid pid, const tracer::Registers& registers);

  // A thread as any library makes it. Anything else is for home, whose kernel takes or refuses it.
  [[nodiscard]] bool makes_thread() const;
  // The registers with which `before`, stopped before the call, makes exactly this. The new thread
  // is always traced.
  [[nodiscard]] tracer::Registers in_registers(tracer::Registers before) const;
  // `after`, that of the creator or of the thread that was made, with the arguments that the
  // program had put there.
  [[nodiscard]] static tracer::Registers given_back(tracer::Registers after,
                                                    const tracer::Registers& before);
};

}  // namespace llrun
