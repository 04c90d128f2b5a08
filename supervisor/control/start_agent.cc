#include "supervisor/control/start_agent.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/own_environment.h"
#include "base/spawn.h"
#include "supervisor/config/paths.h"

namespace llrun::control {
namespace {

constexpr int kReadyFd = 3;

Result<std::string> program_path(const AgentProgram& program) {
  if (!program.llrund.empty()) return program.llrund;
  return config::sibling_program("llrund");
}

// What a shell has set for programs of its own is not for the agent, which outlives it.
std::vector<std::string> own_environment_now() {
  std::vector<std::string> kept;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (own_environment::passed_on(*entry)) kept.emplace_back(*entry);
  return kept;
}

}  // namespace

Result<StartingAgent> start_agent(const AgentProgram& program) {
  LLRUN_TRY_ASSIGN(std::string path, program_path(program));
  LLRUN_TRY_ASSIGN(FdPair pipe, make_pipe());
  const std::vector<std::string> words{
      path, "--background", "--ready-fd", std::to_string(kReadyFd), "--name", program.node};
  // dup2 onto itself would keep close-on-exec; a pipe end is never 3 then.
  if (pipe.second.get() == kReadyFd) {
    LLRUN_TRY_ASSIGN(pipe.second, pipe.second.duplicate());
  }
  // Only what the agent needs: no terminal, nothing of ours but the write end of the pipe.
  Spawn agent;
  agent.give(pipe.second.get(), kReadyFd).give_null(0, O_RDONLY).give_null(1, O_WRONLY);
  agent.give_null(2, O_WRONLY).close_from(kReadyFd + 1);
  const auto pid = agent.run(words, own_environment_now());
  if (!pid) return system_error("start the agent " + path, pid.error().errno_value);
  StartingAgent starting{std::move(pipe.first), *pid};
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
