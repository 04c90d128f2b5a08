// Asking the agent and waiting for the answer: for llrunctl and other programs without a loop.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::control {

// A blocking connection to the socket at `address` (address.h); an error when nobody listens there,
// or another user does. Never waits.
[[nodiscard]] Result<Fd> connect_to(const std::string& address);
// To the agent of `node`, at whichever of its addresses it is found.
[[nodiscard]] Result<Fd> connect_to_agent(const std::string& node);
// Whether this same user is at the other end of a Unix socket.
[[nodiscard]] bool is_same_user(int socket);

class ControlClient {
 public:
  using OnRow = std::function<void(const protocol::Row&)>;

  // Connects to the agent of `node`; with `start` runs it when it is not there, and waits until it
  // listens.
  [[nodiscard]] static Result<ControlClient> connect(const std::string& node, bool start);
  explicit ControlClient(Fd socket) : socket_(std::move(socket)) {}

  // Sends `question` (its id is chosen here), hands over each row, returns the Answer. kGone when
  // the agent ends meanwhile. Waits as long as the agent takes: a migration may; the agent answers
  // in every case.
  [[nodiscard]] Result<protocol::Answer> ask(protocol::ControlMessage question, const OnRow& on_row,
                                             std::span<const int> fds = {});

 private:
  Fd socket_;
  std::uint64_t next_id_ = 1;
};

}  // namespace llrun::control
