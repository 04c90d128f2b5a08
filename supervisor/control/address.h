// The address of a Unix socket, as bind(2) and connect(2) want it: its path, or, with a leading @,
// a name that belongs to no file (unix(7), abstract).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "base/result.h"

namespace llrun::control {

[[nodiscard]] inline bool is_abstract(const std::string& address) {
  return address.starts_with('@');
}

class SocketAddress {
 public:
  explicit SocketAddress(const std::string& text)
      : size_(static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() +
                                     (is_abstract(text) ? 0 : 1))) {
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, text.data(), text.size());
    if (is_abstract(text)) address_.sun_path[0] = 0;
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] socklen_t size() const { return size_; }

 private:
  sockaddr_un address_{};
  socklen_t size_;
};

[[nodiscard]] inline Result<SocketAddress> socket_address(const std::string& text) {
  if (text.size() >= sizeof(sockaddr_un::sun_path))
    return failure(ErrorCode::kInvalid, "the address of the control socket is too long: " + text);
  return SocketAddress(text);
}

}  // namespace llrun::control
