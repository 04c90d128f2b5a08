// ControlServer: the agent's end of the control socket. Being bound to its path is what makes it
// *the* agent of that name; there is no other lock.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "supervisor/control/connection.h"

namespace llrun::control {

class ControlServer {
 public:
  // A client of this same user (SO_PEERCRED); the receiver listens to it and keeps it.
  using OnClient = std::function<void(std::shared_ptr<Connection>)>;

  // kRefused when another agent answers at `path`; a socket that nobody listens on any more is
  // replaced.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> create(EventLoop& loop,
                                                                     const std::string& path,
                                                                     OnClient on_client);
  ~ControlServer();  // removes the socket's name, if it is still this one's
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  ControlServer(EventLoop& loop, Fd socket, std::string path, OnClient on_client);
  void accept_clients();

  EventLoop& loop_;
  Fd socket_;
  std::string path_;
  OnClient on_client_;
  std::uint64_t inode_ = 0;
};

}  // namespace llrun::control
