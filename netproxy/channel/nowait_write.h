// NowaitWrite: writes that never block, whatever kind of descriptor it is and whatever its
// O_NONBLOCK says.
//
// A socket has MSG_DONTWAIT. A pipe has RWF_NOWAIT (Linux 6.4, fs/pipe.c sets FMODE_NOWAIT); before
// that O_NONBLOCK has to be set, on a description that is ours alone to set (a pipe or socket of a
// channel).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "base/result.h"

namespace llrun {

class NowaitWrite {
 public:
  explicit NowaitWrite(int fd) : fd_(fd) {}  // not owned
  [[nodiscard]] Result<> prepare();          // find out what it is; once, before write()
  // How much was taken at once, 0 where the descriptor is full. kGone: nobody reads any more.
  [[nodiscard]] Result<std::size_t> write(std::span<const iovec> pieces);

 private:
  [[nodiscard]] ssize_t attempt(std::span<const iovec> pieces);

  int fd_;
  enum class Way { kSocket, kNowait, kNonblocking } way_ = Way::kNowait;
};

}  // namespace llrun
