// What a message of the other supervisor may be, looked at at the door, before anybody acts on it.
//
// Only what no sound sender says is refused: whether a message is expected now is for the state
// machine, and an image, which can be declined in words, for whoever would restore it.
#pragma once

#include "base/result.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun {

[[nodiscard]] Result<> check_from_guest(const protocol::JobMessage& message);
[[nodiscard]] Result<> check_from_home(const protocol::JobMessage& message);

}  // namespace llrun
