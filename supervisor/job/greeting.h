// The exchange of hellos that opens every channel (docs/protocol.md, "Opening a channel").
#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "supervisor/protocol/hello.pb.h"
#include "supervisor/protocol/version.h"

namespace llrun {

// What the other end begins with: its Hello, or what it says of the job in place of one.
struct Greeting {
  protocol::Hello hello;
  std::optional<protocol::Holding> holding;
};
// Say ours, wait for theirs. kRefused carries the other side's words, which prove nothing;
// kProtocol: another version.
[[nodiscard]] Result<Greeting> greet(int in, int out, const protocol::Hello& ours,
                                     std::chrono::milliseconds timeout);
// Say ours on a channel whose first frame has been read by the agent.
[[nodiscard]] Result<> say_hello(int out, const protocol::Hello& ours);
// Decline on such a channel, with words for the person at the other end.
void refuse(int out, const std::string& words);

}  // namespace llrun
