#include "supervisor/control/listening_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "supervisor/control/address.h"
#include "supervisor/control/client.h"

namespace llrun::control {
namespace {

// Between the bind and the listen of another that starts just now.
constexpr int kTries = 200;
constexpr std::chrono::milliseconds kBetweenTries{5};

Error taken(const std::string& address) {
  return {ErrorCode::kRefused, 0, "an agent is already running at " + address};
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
  if (connect_to(path)) return std::unexpected(taken(path));
  if (::unlink(path.c_str()) != 0) return system_error("remove the stale socket " + path);
  if (::bind(socket, address.get(), address.size()) == 0) return {};
  return system_error("bind " + path);
}

Result<> listen_at_path(int socket, const std::string& path) {
  LLRUN_TRY_ASSIGN(const Fd lock, lock_directory_of(path));
  // The mode a socket gets by bind is that of its inode, here and now: no moment at which others
  // may connect.
  ::fchmod(socket, 0600);
  LLRUN_TRY(bind_to(socket, path));
  if (::chmod(path.c_str(), 0600) != 0) return system_error("set the mode of " + path);
  if (::listen(socket, SOMAXCONN) != 0) return system_error("listen at " + path);
  return {};
}

// A name is held by one socket at a time, and is free when that closes, so no lock is needed.
// Whoever else may connect is turned away when he does.
Result<> listen_at_name(int socket, const std::string& name) {
  LLRUN_TRY_ASSIGN(const auto address, socket_address(name));
  for (int i = 0; i < kTries; ++i) {
    if (::bind(socket, address.get(), address.size()) == 0) {
      if (::listen(socket, SOMAXCONN) != 0) return system_error("listen at " + name);
      return {};
    }
    if (errno != EADDRINUSE) return system_error("bind " + name);
    const auto other = connect_to(name);
    if (other) return std::unexpected(taken(name));
    if (other.error().errno_value != ECONNREFUSED) return std::unexpected(other.error());
    std::this_thread::sleep_for(kBetweenTries);
  }
  return failure(ErrorCode::kTimeout, "somebody holds the name " + name + " and does not listen");
}

}  // namespace

Result<ListeningSocket> ListeningSocket::open(const std::string& address) {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return system_error("make the control socket");
  LLRUN_TRY(is_abstract(address) ? listen_at_name(socket.get(), address)
                                 : listen_at_path(socket.get(), address));
  return ListeningSocket(std::move(socket), address);
}

ListeningSocket::ListeningSocket(Fd socket, std::string address)
    : socket_(std::move(socket)), address_(std::move(address)) {
  struct stat status {};
  if (is_abstract(address_) || ::lstat(address_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

bool ListeningSocket::is_there() const {
  if (is_abstract(address_)) return true;
  struct stat status {};
  return ::lstat(address_.c_str(), &status) == 0 && status.st_dev == device_ &&
         status.st_ino == inode_;
}

ListeningSocket::~ListeningSocket() {
  if (!socket_.valid() || is_abstract(address_)) return;
  const auto lock = lock_directory_of(address_);
  if (lock && is_there()) ::unlink(address_.c_str());
}

}  // namespace llrun::control
