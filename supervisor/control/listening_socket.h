// ListeningSocket: the agent's socket at one address. Being bound there is what makes it *the*
// agent at that address.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace llrun::control {

class ListeningSocket {
 public:
  // kRefused when another agent of this user answers at `address`; the socket file of one that has
  // gone is replaced.
  [[nodiscard]] static Result<ListeningSocket> open(const std::string& address);
  ~ListeningSocket();  // removes its file, if that is still its own
  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  // False: its file was removed, or replaced by another's, and nobody finds it there any more.
  [[nodiscard]] bool is_there() const;
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] int get() const { return socket_.get(); }

 private:
  ListeningSocket(Fd socket, std::string address);

  Fd socket_;
  std::string address_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace llrun::control
