// The address of a Unix socket by its path, as bind(2) and connect(2) want it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "base/result.h"

namespace llrun::control {

class SocketAddress {
 public:
  explicit SocketAddress(const std::string& path) {
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, path.data(), path.size());
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] static socklen_t size() { return sizeof(sockaddr_un); }

 private:
  sockaddr_un address_{};
};

[[nodiscard]] inline Result<SocketAddress> socket_address(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return failure(ErrorCode::kInvalid, "the path of the control socket is too long: " + path);
  return SocketAddress(path);
}

}  // namespace llrun::control
