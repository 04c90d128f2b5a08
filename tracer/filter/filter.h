// The guest's seccomp filter: which of its system calls leave the kernel towards its supervisor.
//
// Made from the call table. Native calls are allowed, the clone family stops for the tracer
// (SECCOMP_RET_TRACE, so the tracer must set PTRACE_O_TRACESECCOMP: without a tracer the call
// answers ENOSYS), everything else, unknown numbers and the 32-bit and x32 entries included, is a
// user notification.
//
// The program is for SECCOMP_SET_MODE_FILTER with SECCOMP_FILTER_FLAG_NEW_LISTENER. See seccomp(2),
// seccomp_unotify(2).
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "tracer/calls/judge.h"

namespace llrun {

// Instructions whose system calls are always allowed: the stub's, so that state can be injected
// into a guest by its supervisor. A `syscall` instruction is exempt if it lies wholly in [start,
// end), an address range of the guest that does not cross a multiple of 4 GiB.
struct ExemptCode {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

struct FilterOptions {
  CallContext context;  // give the same to the guest's CallJudge
  std::optional<ExemptCode> exempt;
};

// Calls that are always native are decided without looking at an argument or at the instruction
// pointer, so the kernel (5.11 and later) remembers them in a bitmap and does not run the filter
// for them at all.
//
// kInvalid: the exempt range is empty or crosses a multiple of 4 GiB. kUnsupported: more than 64
// descriptors at home.
[[nodiscard]] Result<std::vector<sock_filter>> build_filter(const FilterOptions& options);

}  // namespace llrun
