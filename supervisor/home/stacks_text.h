// Symbolised stacks as `llrunctl stack` prints them.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/protocol/job.pb.h"
#include "tracer/objects/sleeps.h"

namespace llrun {

struct StacksText {
  std::string text;  // for people
  std::string json;  // an object a line, one a thread
};
// `sleeps`: what is known of its threads' sleeps, and afterwards too.
[[nodiscard]] Result<StacksText> stacks_of(HostPid pid, tracer::Sleeps& sleeps);
[[nodiscard]] Result<StacksText> stacks_of(const protocol::StackTrace& snapshot);  // of a guest

}  // namespace llrun
