#include "netproxy/channel/channel_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/clock.h"
#include "base/spawn.h"

namespace llrun {
namespace {

constexpr int kPipeBytes =
    1 << 20;  // as an ordinary user may have, fewer wake-ups; refused is no harm

// stderr first: the descriptors given may themselves be 0, 1 or 2 only where the caller has closed
// those.
void use_descriptors(Spawn& command, int in, int out, int err) {
  if (err >= 0)
    command.give(err, STDERR_FILENO);
  else
    command.give_null(STDERR_FILENO, O_WRONLY);
  command.give(in, STDIN_FILENO).give(out, STDOUT_FILENO).close_from(3);
}

// Descriptors 0 to 2 would be overwritten by the child's dup2 before they are used.
Result<Fd> above_stdio(Fd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  const int moved = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);
  if (moved < 0) return system_error("duplicate a descriptor");
  return Fd(moved);
}

std::string words_for(int status) {
  if (WIFEXITED(status)) return "exited with status " + std::to_string(WEXITSTATUS(status));
  return "killed by signal " + std::to_string(WTERMSIG(status));
}

}  // namespace

Result<std::unique_ptr<ChannelProcess>> ChannelProcess::start(const std::vector<std::string>& argv,
                                                              int stderr_fd) {
  if (argv.empty()) return failure(ErrorCode::kInvalid, "start a peer: its command is empty");
  LLRUN_TRY_ASSIGN(auto down, make_pipe());  // our end writes
  LLRUN_TRY_ASSIGN(auto up, make_pipe());    // our end reads
  LLRUN_TRY_ASSIGN(const Fd child_in, above_stdio(std::move(down.first)));
  LLRUN_TRY_ASSIGN(const Fd child_out, above_stdio(std::move(up.second)));
  ::fcntl(child_in.get(), F_SETPIPE_SZ, kPipeBytes);
  ::fcntl(child_out.get(), F_SETPIPE_SZ, kPipeBytes);

  Spawn command;
  use_descriptors(command, child_in.get(), child_out.get(), stderr_fd);
  command.new_session();  // no terminal of ours to ask for a password on
  LLRUN_TRY_ASSIGN(const pid_t pid, command.run(argv));

  std::unique_ptr<ChannelProcess> process(new ChannelProcess);
  process->pid_ = HostPid{pid};
  process->in_ = std::move(up.first);
  process->out_ = std::move(down.second);
  process->pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process->pidfd_.valid()) return system_error("watch " + argv[0]);
  return process;
}

ChannelProcess::~ChannelProcess() {
  in_.reset();
  out_.reset();
  end();
}

Result<std::string> ChannelProcess::wait(std::chrono::milliseconds timeout) {
  if (reaped_) return ending_;
  const auto deadline = MonotonicClock::now() + timeout;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - MonotonicClock::now());
    pollfd entry{pidfd_.get(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready == 0)
      return failure(ErrorCode::kTimeout, "wait for the end of the command of a peer");
    if (ready > 0) break;
    if (errno != EINTR) return system_error("wait for the command of a peer");
  }
  int status = 0;
  reaped_ = true;
  if (::waitpid(pid_.value, &status, 0) != pid_.value)
    return system_error("reap the command of a peer");
  ending_ = words_for(status);
  return ending_;
}

void ChannelProcess::end(std::chrono::milliseconds grace) {
  if (reaped_) return;
  ::kill(-pid_.value, SIGTERM);
  if (wait(grace)) return;
  ::kill(-pid_.value, SIGKILL);
  [[maybe_unused]] const auto ended = wait(std::chrono::seconds(10));
}

}  // namespace llrun
