#include "tracer/remote/remote_fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace llrun::tracer {

Result<Fd> open_pidfd(HostPid pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid.value, 0);
  if (fd < 0) return system_error("open process " + std::to_string(pid.value));
  return Fd(static_cast<int>(fd));
}

Result<Fd> take_fd(const Fd& pidfd, RemoteFd fd) {
  const long copy = ::syscall(SYS_pidfd_getfd, pidfd.get(), fd.number, 0);
  if (copy < 0)
    return system_error("copy descriptor " + std::to_string(fd.number) + " of a process");
  return Fd(static_cast<int>(copy));
}

Result<Fd> take_fd(HostPid pid, RemoteFd fd) {
  LLRUN_TRY_ASSIGN(const Fd pidfd, open_pidfd(pid));
  return take_fd(pidfd, fd);
}

Result<RemoteFdSender> RemoteFdSender::open(RemoteSyscalls& calls, RemoteArena arena) {
  arena.clear();
  LLRUN_TRY_ASSIGN(const auto place, arena.put_value(std::array<int, 2>{-1, -1}));
  LLRUN_TRY(calls.call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, place));
  using Pair = std::array<int, 2>;
  LLRUN_TRY_ASSIGN(const auto ends, read_value<Pair>(calls.pid(), place));
  LLRUN_TRY_ASSIGN(Fd ours, take_fd(calls.pid(), RemoteFd{ends[0]}));
  LLRUN_TRY(calls.call(SYS_close, ends[0]));
  return RemoteFdSender(calls, arena, std::move(ours), RemoteFd{ends[1]});
}

Result<RemoteFd> RemoteFdSender::send(int fd) {
  const std::byte data{'f'};
  LLRUN_TRY(send_fds(ours_.get(), std::span(&data, 1), std::span(&fd, 1)));
  arena_.clear();
  using Control = std::array<std::byte, CMSG_SPACE(sizeof(int))>;
  LLRUN_TRY_ASSIGN(const auto byte, arena_.put_value(std::byte{}));
  LLRUN_TRY_ASSIGN(const auto vector,
                   arena_.put_value(iovec{reinterpret_cast<void*>(byte.value), 1}));
  LLRUN_TRY_ASSIGN(const auto control, arena_.put_value(Control{}));
  msghdr message{};
  message.msg_iov = reinterpret_cast<iovec*>(vector.value);
  message.msg_iovlen = 1;
  message.msg_control = reinterpret_cast<void*>(control.value);
  message.msg_controllen = sizeof(Control);
  LLRUN_TRY_ASSIGN(const auto header, arena_.put_value(message));
  LLRUN_TRY(calls_->call(SYS_recvmsg, theirs_.number, header, MSG_CMSG_CLOEXEC));
  LLRUN_TRY_ASSIGN(const auto received, read_value<Control>(calls_->pid(), control));
  cmsghdr head{};
  std::memcpy(&head, received.data(), sizeof head);
  if (head.cmsg_type != SCM_RIGHTS || head.cmsg_len != CMSG_LEN(sizeof(int)))
    return failure(ErrorCode::kSystem, "a process cannot take a descriptor: its table may be full");
  int number = -1;
  std::memcpy(&number, received.data() + CMSG_LEN(0), sizeof number);
  return RemoteFd{number};
}

Result<> RemoteFdSender::send_to(int fd, RemoteFd number, bool close_on_exec) {
  if (number == theirs_) LLRUN_TRY(move_away_from(number));
  LLRUN_TRY_ASSIGN(const auto landed, send(fd));
  if (landed == number) {
    LLRUN_TRY(calls_->call(SYS_fcntl, number.number, F_SETFD, close_on_exec ? FD_CLOEXEC : 0));
    return {};
  }
  LLRUN_TRY(calls_->call(SYS_dup3, landed.number, number.number, close_on_exec ? O_CLOEXEC : 0));
  LLRUN_TRY(calls_->call(SYS_close, landed.number));
  return {};
}

Result<> RemoteFdSender::move_away_from(RemoteFd number) {
  LLRUN_TRY_ASSIGN(const auto moved,
                   calls_->call(SYS_fcntl, number.number, F_DUPFD_CLOEXEC, number.number + 1));
  LLRUN_TRY(calls_->call(SYS_close, number.number));
  theirs_ = RemoteFd{static_cast<int>(moved)};
  return {};
}

Result<> RemoteFdSender::close() {
  LLRUN_TRY(calls_->call(SYS_close, theirs_.number));
  return {};
}

}  // namespace llrun::tracer
