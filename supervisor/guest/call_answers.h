// What home has answered to a call of a guest, and where in the guest's memory that belongs: what
// the guest's kernel would have written, and nothing beside it.
#pragma once

#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/guest/home_calls.h"
#include "supervisor/protocol/job.pb.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {

// What of home's answer goes where. kProtocol: more than was asked for.
struct Stored {
  tracer::RemoteAddr at;
  std::span<const std::byte> bytes;  // of `done`
  bool optional = false;             // without it the call has succeeded all the same
};
[[nodiscard]] Result<std::vector<Stored>> outputs_of(const HomeCallPlan& plan,
                                                     const protocol::HomeCallDone& done);
// Put it there. EFAULT: the guest may not write there.
[[nodiscard]] Result<> store_outputs(HostPid guest, const HomeCallPlan& plan,
                                     const protocol::HomeCallDone& done);
// The call was not made after all and is asked for again: for the time that is left of it.
void go_on_from(const protocol::HomeCallDone& done, protocol::HomeCall& call);

}  // namespace llrun
