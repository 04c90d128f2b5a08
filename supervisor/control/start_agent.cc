#include "supervisor/control/start_agent.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "supervisor/config/paths.h"

namespace llrun::control {
namespace {

constexpr int kReadyFd = 3;

// Only what the agent needs: no terminal, nothing of ours but the write end of the pipe.
class SpawnSettings {
 public:
  explicit SpawnSettings(int ready) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, ready, kReadyFd);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, 2, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kReadyFd + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Result<std::string> program_path(const AgentProgram& program) {
  if (!program.llrund.empty()) return program.llrund;
  return config::sibling_program("llrund");
}

}  // namespace

Result<StartingAgent> start_agent(const AgentProgram& program) {
  LLRUN_TRY_ASSIGN(std::string path, program_path(program));
  LLRUN_TRY_ASSIGN(FdPair pipe, make_pipe());
  std::string node = program.node;
  std::array<std::string, 6> words{
      path, "--background", "--ready-fd", std::to_string(kReadyFd), "--name", node};
  std::array<char*, 7> argv{};
  for (std::size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
  // dup2 onto itself would keep close-on-exec; a pipe end is never 3 then.
  if (pipe.second.get() == kReadyFd) {
    LLRUN_TRY_ASSIGN(pipe.second, pipe.second.duplicate());
  }
  const SpawnSettings settings(pipe.second.get());
  StartingAgent starting{std::move(pipe.first), 0};
  const int problem = ::posix_spawn(&starting.pid, path.c_str(), settings.actions(),
                                    settings.attributes(), argv.data(), environ);
  if (problem != 0) return system_error("start the agent " + path, problem);
  return starting;
}

Result<> StartingAgent::outcome() {
  std::array<char, 1024> text{};
  ssize_t length = 0;
  do {
    length = ::read(ready.get(), text.data(), text.size());
  } while (length < 0 && errno == EINTR);
  // The child ends as soon as the agent proper is on its way, so this does not wait. Somebody who
  // waits for all children may have reaped it already.
  ::waitpid(std::exchange(pid, 0), nullptr, 0);
  const std::string said(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  if (said == kAgentReady) return {};
  return failure(ErrorCode::kGone, said.empty()
                                       ? "the agent ended while it started: see llrunctl log"
                                       : "the agent: " + said);
}

Result<> StartingAgent::wait(std::chrono::milliseconds limit) {
  pollfd wanted{ready.get(), POLLIN, 0};
  const int got = ::poll(&wanted, 1, static_cast<int>(limit.count()));
  if (got == 1) return outcome();
  return failure(ErrorCode::kTimeout, "the agent was started but does not listen");
}

}  // namespace llrun::control
