// ChannelProcess: the command by which a peer is reached, its stdin and stdout being the channel.
//
// It runs in a session of its own, so that neither Ctrl-C nor a hang-up of the user's terminal
// reaches it, with no descriptor of ours but these pipes, and with default signal handling.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"

namespace llrun {

class ChannelProcess {
 public:
  // `argv[0]` is looked up in PATH. `stderr_fd`: where its complaints go (the log, for instance);
  // -1: nowhere.
  [[nodiscard]] static Result<std::unique_ptr<ChannelProcess>> start(
      const std::vector<std::string>& argv, int stderr_fd);
  ~ChannelProcess();  // closes the pipes if still here, then end()
  ChannelProcess(const ChannelProcess&) = delete;
  ChannelProcess& operator=(const ChannelProcess&) = delete;

  [[nodiscard]] Fd take_in() { return std::move(in_); }    // what the peer says: read end
  [[nodiscard]] Fd take_out() { return std::move(out_); }  // what we say: write end
  [[nodiscard]] int in() const { return in_.get(); }
  [[nodiscard]] int out() const { return out_.get(); }
  [[nodiscard]] HostPid pid() const { return pid_; }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }  // readable when it has ended

  // Wait for its end, at most `timeout`: in words, "exited with status 255". kTimeout.
  [[nodiscard]] Result<std::string> wait(std::chrono::milliseconds timeout);
  // SIGTERM to its process group, SIGKILL after `grace`, reap. Once; nothing where it has been
  // reaped.
  void end(std::chrono::milliseconds grace = std::chrono::milliseconds(500));

 private:
  ChannelProcess() = default;
  Fd in_, out_, pidfd_;
  HostPid pid_{};
  bool reaped_ = false;
  std::string ending_;
};

}  // namespace llrun
