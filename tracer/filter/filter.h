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

// Where the stub's code is in a guest, by which its supervisor injects calls: the pages can be
// changed by the guest, so that what is called from there proves nothing. A call of the table's
// `injected` ones that the filter would not allow stops for the tracer (SECCOMP_RET_TRACE with
// kInjectedCall), who lets it through if it is the very call that he has just put there. Any other
// is judged as anywhere else. A `syscall` instruction is the stub's if it lies wholly in [start,
// end), an address range that does not cross a multiple of 4 GiB.
inline constexpr std::uint16_t kInjectedCall = 1;  // SECCOMP_RET_DATA

struct StubCode {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

struct FilterOptions {
  CallContext context;  // give the same to the guest's CallJudge
  std::optional<StubCode> stub;
};

// Calls that are always native are decided without looking at an argument or at the instruction
// pointer, so the kernel (5.11 and later) remembers them in a bitmap and does not run the filter
// for them at all.
//
// kInvalid: the stub's range is empty or crosses a multiple of 4 GiB. kUnsupported: more than 64
// descriptors at home.
[[nodiscard]] Result<std::vector<sock_filter>> build_filter(const FilterOptions& options);

}  // namespace llrun
