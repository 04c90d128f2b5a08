#include "supervisor/control/server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "supervisor/control/address.h"
#include "supervisor/control/client.h"

namespace llrun::control {
namespace {

std::uint64_t inode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// Two agents that start at once must not take each other's fresh socket for a stale one.
Result<Fd> lock_directory_of(const std::string& path) {
  LLRUN_TRY_ASSIGN(Fd directory,
                   open_file(path.substr(0, path.rfind('/')), O_RDONLY | O_DIRECTORY));
  if (::flock(directory.get(), LOCK_EX) != 0) return system_error("lock the directory of " + path);
  return directory;
}

Result<> bind_to(int socket, const std::string& path) {
  LLRUN_TRY_ASSIGN(const auto address, socket_address(path));
  if (::bind(socket, address.get(), address.size()) == 0) return {};
  if (errno != EADDRINUSE) return system_error("bind " + path);
  if (connect_to(path))
    return failure(ErrorCode::kRefused, "an agent is already running at " + path);
  if (::unlink(path.c_str()) != 0) return system_error("remove the stale socket " + path);
  if (::bind(socket, address.get(), address.size()) == 0) return {};
  return system_error("bind " + path);
}

bool is_same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::create(EventLoop& loop,
                                                             const std::string& path,
                                                             OnClient on_client) {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return system_error("make the control socket");
  LLRUN_TRY_ASSIGN(const Fd lock, lock_directory_of(path));
  // The mode a socket gets by bind is that of its inode, here and now: no moment at which others
  // may connect.
  ::fchmod(socket.get(), 0600);
  LLRUN_TRY(bind_to(socket.get(), path));
  if (::chmod(path.c_str(), 0600) != 0) return system_error("set the mode of " + path);
  if (::listen(socket.get(), SOMAXCONN) != 0) return system_error("listen at " + path);
  std::unique_ptr<ControlServer> server(
      new ControlServer(loop, std::move(socket), path, std::move(on_client)));
  LLRUN_TRY(loop.watch(server->socket_.get(), EPOLLIN,
                       [raw = server.get()](std::uint32_t) { raw->accept_clients(); }));
  return server;
}

ControlServer::ControlServer(EventLoop& loop, Fd socket, std::string path, OnClient on_client)
    : loop_(loop),
      socket_(std::move(socket)),
      path_(std::move(path)),
      on_client_(std::move(on_client)),
      inode_(inode_of(path_)) {}

ControlServer::~ControlServer() {
  loop_.unwatch(socket_.get());
  const auto lock = lock_directory_of(path_);
  if (lock && inode_of(path_) == inode_) ::unlink(path_.c_str());
}

void ControlServer::accept_clients() {
  for (int i = 0; i < 64; ++i) {
    Fd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) return;
    if (!is_same_user(client.get())) {
      log::warn("another user tried to connect to {}: turned away", path_);
      continue;
    }
    if (auto connection = Connection::create(loop_, std::move(client))) on_client_(*connection);
  }
}

}  // namespace llrun::control
