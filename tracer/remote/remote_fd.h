// Descriptors of another process: taking copies out, and sending ours in.
#pragma once

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "tracer/remote/remote_arena.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {

[[nodiscard]] Result<Fd> open_pidfd(HostPid pid);  // pidfd_open(2)
// A descriptor of ours for the same open file description (pidfd_getfd(2)).
[[nodiscard]] Result<Fd> take_fd(const Fd& pidfd, RemoteFd fd);
[[nodiscard]] Result<Fd> take_fd(HostPid pid, RemoteFd fd);

// A way into the tracee's descriptor table: a socket pair, one end of which is ours.
class RemoteFdSender {
 public:
  [[nodiscard]] static Result<RemoteFdSender> open(RemoteSyscalls& calls, RemoteArena arena);
  // The tracee gets a descriptor for `fd`'s description at the lowest free number, close-on-exec.
  [[nodiscard]] Result<RemoteFd> send(int fd);
  // The same at `number`, which is replaced, with close-on-exec as told (dup3(2)).
  [[nodiscard]] Result<> send_to(int fd, RemoteFd number, bool close_on_exec);
  // Close the tracee's end.
  [[nodiscard]] Result<> close();

 private:
  RemoteFdSender(RemoteSyscalls& calls, RemoteArena arena, Fd ours, RemoteFd theirs)
      : calls_(&calls), arena_(arena), ours_(std::move(ours)), theirs_(theirs) {}
  [[nodiscard]] Result<> move_away_from(RemoteFd number);
  RemoteSyscalls* calls_;
  RemoteArena arena_;
  Fd ours_;
  RemoteFd theirs_;
};

}  // namespace llrun::tracer
