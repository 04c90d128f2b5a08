#include "supervisor/control/client.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/bytes.h"
#include "supervisor/config/paths.h"
#include "supervisor/control/address.h"
#include "supervisor/control/connection.h"
#include "supervisor/control/start_agent.h"

namespace llrun::control {

bool is_same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

// Not blocking: one that listens and never accepts must not hold us up, once its queue is full.
Result<Fd> connect_to(const std::string& text) {
  LLRUN_TRY_ASSIGN(const auto address, socket_address(text));
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return system_error("make a socket");
  if (::connect(socket.get(), address.get(), address.size()) != 0)
    return system_error("connect to the agent at " + text);
  // Anybody may take a name; a file is in a directory that is this user's alone.
  if (!is_same_user(socket.get()))
    return failure(ErrorCode::kUnsupported, "another user listens at " + text);
  LLRUN_TRY(set_nonblocking(socket.get(), false));
  return socket;
}

Result<Fd> connect_to_agent(const std::string& node) {
  LLRUN_TRY_ASSIGN(const auto addresses, config::agent_addresses(node));
  Result<Fd> best;
  for (const auto& address : addresses) {
    auto socket = connect_to(address);
    if (socket) return socket;
    if (&address == &addresses.front()) best = std::move(socket);
  }
  return best;
}

Result<ControlClient> ControlClient::connect(const std::string& node, bool start) {
  auto socket = connect_to_agent(node);
  if (!socket && start) {
    LLRUN_TRY_ASSIGN(auto starting, start_agent({"", node}));
    LLRUN_TRY(starting.wait());
    socket = connect_to_agent(node);
  }
  if (!socket) return std::unexpected(socket.error());
  return ControlClient(std::move(*socket));
}

Result<protocol::Answer> ControlClient::ask(protocol::ControlMessage question, const OnRow& on_row,
                                            std::span<const int> fds) {
  question.set_id(next_id_++);
  const auto bytes = question.SerializeAsString();
  LLRUN_TRY(send_fds(socket_.get(), bytes_of(std::string_view(bytes)), fds));
  for (;;) {
    LLRUN_TRY_ASSIGN(const auto received, receive_fds(socket_.get(), kMaxMessage));
    protocol::ControlMessage message;
    if (!message.ParseFromArray(received.data.data(), static_cast<int>(received.data.size())))
      return failure(ErrorCode::kProtocol,
                     "the agent's answer cannot be read: is it of the same version?");
    if (message.id() != question.id()) continue;
    if (message.has_row() && on_row) on_row(message.row());
    if (message.has_answer()) return message.answer();
  }
}

}  // namespace llrun::control
