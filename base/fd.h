// Fd: a file descriptor of ours, closed by its owner. RemoteFd: a number in a tracee's table.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace llrun {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset();
  [[nodiscard]] Result<Fd> duplicate() const;  // close-on-exec

 private:
  int fd_ = -1;
};

struct RemoteFd {
  int number = -1;
  friend auto operator<=>(const RemoteFd&, const RemoteFd&) = default;
};

struct FdPair {
  Fd first, second;
};

// All descriptors made here are close-on-exec.
[[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, unsigned mode = 0);
[[nodiscard]] Result<FdPair> make_pipe(int flags = 0);   // {read end, write end}
[[nodiscard]] Result<FdPair> make_socketpair(int type);  // AF_UNIX
[[nodiscard]] Result<std::string> read_whole_file(const std::string& path);
[[nodiscard]] Result<std::string> read_link(const std::string& path);
// Write or read all of `bytes`, over EINTR and short counts. An end of file while reading is kGone.
[[nodiscard]] Result<> write_all(int fd, std::span<const std::byte> bytes);
[[nodiscard]] Result<> read_all(int fd, std::span<std::byte> bytes);
[[nodiscard]] Result<> set_nonblocking(int fd, bool on);
// SCM_RIGHTS over a Unix socket, with at least one byte of data beside it.
[[nodiscard]] Result<> send_fds(int socket, std::span<const std::byte> data,
                                std::span<const int> fds);
struct ReceivedFds {
  std::vector<std::byte> data;
  std::vector<Fd> fds;
};
[[nodiscard]] Result<ReceivedFds> receive_fds(int socket, std::size_t max_bytes);

}  // namespace llrun
