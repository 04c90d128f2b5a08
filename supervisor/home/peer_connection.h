// Reaching a peer for one job: the channel's command, and the hellos.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "netproxy/channel/channel_process.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun {

struct PeerConnection {
  std::unique_ptr<ChannelProcess> process;
  protocol::Hello hello;  // the peer's
  // What it says of the job in place of a Hello; then there is no connection.
  std::optional<protocol::Holding> holding;
};

// Start the command, exchange hellos; waits (ssh may ask the network for seconds). The error is in
// words: what the command said or how it ended, or the peer's refusal.
[[nodiscard]] Result<PeerConnection> reach_peer(const std::vector<std::string>& command,
                                                const protocol::Hello& ours);

// The same for a job that begins: a few at a time to one node, and again, with growing pauses, when
// the command ended before it reached anybody. Where many start at once a server turns some away
// (MaxStartups of sshd_config(5)). `given_up`: nobody waits for it any more.
[[nodiscard]] Result<PeerConnection> reach_peer_in_turn(const std::string& node,
                                                        const std::vector<std::string>& command,
                                                        const protocol::Hello& ours,
                                                        const std::function<bool()>& given_up);

}  // namespace llrun
