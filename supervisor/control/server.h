// ControlServer: the agent's end of the control socket, at every address where it may be looked
// for. Being bound there is what makes it *the* agent of that name; there is no other lock.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "supervisor/control/connection.h"
#include "supervisor/control/listening_socket.h"

namespace llrun::control {

class ControlServer {
 public:
  // A client of this same user (SO_PEERCRED); the receiver listens to it and keeps it.
  using OnClient = std::function<void(std::shared_ptr<Connection>)>;

  // kRefused when another agent answers at any of `addresses`; a socket that nobody listens on any
  // more is replaced. An address that cannot be had is left out while there is another.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> create(
      EventLoop& loop, const std::vector<std::string>& addresses, OnClient on_client);
  ~ControlServer();  // removes the sockets' files, where they are still this one's
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Binds anew what was removed or replaced, and what has become possible. True: something was.
  // Who is connected stays so.
  bool bind_anew(const std::vector<std::string>& addresses);

 private:
  ControlServer(EventLoop& loop, OnClient on_client)
      : loop_(loop), on_client_(std::move(on_client)) {}
  [[nodiscard]] Result<> listen_at(const std::string& address);
  void forget(std::list<ListeningSocket>::iterator socket);
  [[nodiscard]] bool listens_at(const std::string& address) const;
  void accept_clients(const ListeningSocket& socket);

  EventLoop& loop_;
  OnClient on_client_;
  std::list<ListeningSocket> sockets_;
};

}  // namespace llrun::control
