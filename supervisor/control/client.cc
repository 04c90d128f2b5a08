#include "supervisor/control/client.h"

#include <cerrno>

#include "base/bytes.h"
#include "supervisor/config/paths.h"
#include "supervisor/control/address.h"
#include "supervisor/control/connection.h"
#include "supervisor/control/start_agent.h"

namespace llrun::control {

Result<Fd> connect_to(const std::string& path) {
  LLRUN_TRY_ASSIGN(const auto address, socket_address(path));
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error("make a socket");
  if (::connect(socket.get(), address.get(), address.size()) != 0)
    return system_error("connect to the agent at " + path);
  return socket;
}

Result<ControlClient> ControlClient::connect(const std::string& node, bool start) {
  LLRUN_TRY_ASSIGN(const auto path, config::socket_path(node));
  auto socket = connect_to(path);
  if (!socket && start) {
    LLRUN_TRY_ASSIGN(auto starting, start_agent({"", node}));
    LLRUN_TRY(starting.wait());
    socket = connect_to(path);
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
