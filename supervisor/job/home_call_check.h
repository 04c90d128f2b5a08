// What a home call may be. A guest's side says which system call the shadow is to make and with
// what; home believes nothing of it: only calls that belong at home, and no address but those of
// the buffers that come with the call.
#pragma once

#include "base/result.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun {

// kProtocol, with words, for what no guest's side of ours would ask
// (supervisor/guest/home_calls.cc).
[[nodiscard]] Result<> check_home_call(const protocol::HomeCall& call);

}  // namespace llrun
