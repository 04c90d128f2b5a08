// HomeCalls: the system calls of a guest that its shadow executes at home, while they are under
// way.
//
// Each is described to home with what it reads from memory, and its results are put where the
// guest's kernel would have put them. Buffers are bounded: a read that asks for more than
// kMaxTransfer is answered short, which pipes and terminals may do at any time (read(2)). A write
// to a file is not: one that asks for more is not made at home.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/protocol/job.pb.h"
#include "tracer/filter/notifier.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {

inline constexpr std::uint64_t kMaxTransfer = 48 << 10;

// Is this descriptor of the guest, at this moment, a stand-in for something at home?
using IsHomeDescriptor = std::function<bool(int fd)>;

// How an answer's bytes lie in the guest's memory.
enum class AnswerForm : std::uint8_t {
  kBuffers,      // each buffer where it was asked for
  kScattered,    // one buffer, spread over all of the plan's outputs (readv)
  kPollEntries,  // of each entry only what poll(2) writes, revents
};

struct HomeCallPlan {
  protocol::HomeCall call;     // id and tid are the caller's to fill
  std::vector<iovec> outputs;  // in the guest, where output buffers go; by HomeCall.buffers order
  AnswerForm form = AnswerForm::kBuffers;
  // The buffer whose place may turn out not to be writable without the call failing (select's
  // timeout, which programs keep in constants: fs/select.c, poll_select_finish).
  std::optional<int> optional_output;
  bool restarts = true;  // interrupted by a handler with SA_RESTART it is made again; else EINTR
  bool then_natively = false;  // after home's success the guest's kernel does it, too (F_SETFL)
};

// How to make this call at home. None: it cannot be described (it concerns descriptors of both
// sides, has an unknown ioctl, …): the program has to come home for it. An error: the guest's
// memory could not be read.
[[nodiscard]] Result<std::optional<HomeCallPlan>> plan_home_call(HostPid guest,
                                                                 const NotifiedCall& call,
                                                                 const IsHomeDescriptor& is_home);

// The call has waited in vain, and is made again for the rest of its time. What select leaves of it
// is written where the guest's kernel would have written it.
[[nodiscard]] Result<> shorten(HostPid guest, HomeCallPlan& plan, std::chrono::nanoseconds waited);

// Whether a call that waits for many descriptors (poll, select) names any of home's, only home's,
// or none.
enum class WaitsFor { kOnlyOwn, kOnlyHome, kBoth };
[[nodiscard]] Result<WaitsFor> waits_for(HostPid guest, const NotifiedCall& call,
                                         const IsHomeDescriptor& is_home);

}  // namespace llrun
