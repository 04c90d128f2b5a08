// Reaching a peer for one job: the channel's command, and the hellos.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "netproxy/channel/channel_process.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun {

struct PeerConnection {
  std::unique_ptr<ChannelProcess> process;
  protocol::Hello hello;  // the peer's
};

// Start the command, exchange hellos; waits (ssh may ask the network for seconds). The error is in
// words: what the command said or how it ended, or the peer's refusal.
[[nodiscard]] Result<PeerConnection> reach_peer(const std::vector<std::string>& command,
                                                const protocol::Hello& ours);

}  // namespace llrun
