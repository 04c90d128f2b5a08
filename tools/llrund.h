// The two ways in which llrund is not simply the agent in the foreground.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace llrun::daemon {

// `llrund --stdio`: stdin and stdout are a channel; hands them to the agent of `node`, starting it
// if need be, and lives on, so that ssh (or whatever carries the channel) does, until nobody holds
// the channel any more. The exit status; a failure has been told to the other end in words, and to
// stderr.
[[nodiscard]] int serve_stdio(const std::string& node);

// Becomes a process of nobody's, in a session of its own. The caller's process has ended when this
// returns.
[[nodiscard]] Result<> go_to_background();

// Tells whoever waits at `ready_fd` (start_agent.h) how the start went; closes it.
void tell_starter(Fd ready_fd, const Result<>& outcome);

}  // namespace llrun::daemon
