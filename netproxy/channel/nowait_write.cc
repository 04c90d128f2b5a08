#include "netproxy/channel/nowait_write.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/fd.h"
#include "netproxy/channel/sigpipe_guard.h"

namespace llrun {

Result<> NowaitWrite::prepare() {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return system_error("look at a channel's descriptor");
  way_ = S_ISSOCK(status.st_mode) ? Way::kSocket : Way::kNowait;
  return {};
}

ssize_t NowaitWrite::attempt(std::span<const iovec> pieces) {
  if (way_ == Way::kSocket) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    return ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  SigpipeGuard guard;
  const int flags = way_ == Way::kNowait ? RWF_NOWAIT : 0;
  const ssize_t count = ::pwritev2(fd_, pieces.data(), static_cast<int>(pieces.size()), -1, flags);
  if (count < 0 && errno == EPIPE) guard.saw_epipe();
  return count;
}

Result<std::size_t> NowaitWrite::write(std::span<const iovec> pieces) {
  for (;;) {
    const ssize_t count = attempt(pieces);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return 0;
    if (errno == EPIPE || errno == ECONNRESET)
      return failure(ErrorCode::kGone, "send: the other end has closed the channel");
    if (errno == EOPNOTSUPP && way_ == Way::kNowait) {
      LLRUN_TRY(set_nonblocking(fd_, true));
      way_ = Way::kNonblocking;
      continue;
    }
    return system_error("send on a channel");
  }
}

}  // namespace llrun
