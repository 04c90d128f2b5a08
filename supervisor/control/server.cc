#include "supervisor/control/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "supervisor/control/address.h"
#include "supervisor/control/client.h"

namespace llrun::control {

// The name goes first: it is there whatever becomes of directories, and one of two that start at
// once gets it.
Result<std::unique_ptr<ControlServer>> ControlServer::create(
    EventLoop& loop, const std::vector<std::string>& addresses, OnClient on_client) {
  std::unique_ptr<ControlServer> server(new ControlServer(loop, std::move(on_client)));
  auto in_order = addresses;
  std::ranges::stable_partition(in_order, is_abstract);
  Result<> last = failure(ErrorCode::kInvalid, "there is no address for a control socket");
  for (const auto& address : in_order) {
    auto listening = server->listen_at(address);
    if (listening) continue;
    if (listening.error().code == ErrorCode::kRefused) return std::unexpected(listening.error());
    log::warn("{}", listening.error().message());
    last = std::move(listening);
  }
  if (server->sockets_.empty()) return std::unexpected(last.error());
  return server;
}

ControlServer::~ControlServer() {
  for (const auto& socket : sockets_) loop_.unwatch(socket.get());
}

Result<> ControlServer::listen_at(const std::string& address) {
  LLRUN_TRY_ASSIGN(auto opened, ListeningSocket::open(address));
  sockets_.push_back(std::move(opened));
  const auto socket = std::prev(sockets_.end());
  auto watched = loop_.watch(socket->get(), EPOLLIN,
                             [this, socket](std::uint32_t) { accept_clients(*socket); });
  if (!watched) sockets_.erase(socket);
  return watched;
}

void ControlServer::forget(std::list<ListeningSocket>::iterator socket) {
  loop_.unwatch(socket->get());
  sockets_.erase(socket);
}

bool ControlServer::listens_at(const std::string& address) const {
  return std::ranges::find(sockets_, address, &ListeningSocket::address) != sockets_.end();
}

bool ControlServer::bind_anew(const std::vector<std::string>& addresses) {
  for (auto socket = sockets_.begin(); socket != sockets_.end();) {
    const auto looked_at = socket++;
    if (!looked_at->is_there()) forget(looked_at);
  }
  bool bound = false;
  for (const auto& address : addresses) {
    if (listens_at(address)) continue;
    const auto listening = listen_at(address);
    // Refused: another answers there, which is one that could not see this one when it started.
    if (!listening) log::debug("{}", listening.error().message());
    bound = bound || listening;
  }
  return bound;
}

void ControlServer::accept_clients(const ListeningSocket& socket) {
  for (int i = 0; i < 64; ++i) {
    Fd client(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) return;
    if (!is_same_user(client.get())) {
      log::warn("another user tried to connect to {}: turned away", socket.address());
      continue;
    }
    if (auto connection = Connection::create(loop_, std::move(client))) on_client_(*connection);
  }
}

}  // namespace llrun::control
