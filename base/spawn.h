// Spawn: another program, started with what it is given and nothing else of ours (posix_spawn(3)).
//
// It begins with default signal actions and none blocked: event loops block and ignore signals that
// a program expects as they come. Descriptors reach it only by the calls below, in their order.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace llrun {

class Spawn {
 public:
  Spawn();
  ~Spawn();
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  Spawn& give(int source, int target);  // not onto itself: that would keep close-on-exec
  Spawn& give_null(int target, int flags);
  Spawn& close_from(int first);
  Spawn& new_session();

  // words[0] is the program, looked for in PATH when it has no slash. Without an environment, ours.
  // The child is the caller's to wait for. Errors: those of execve(2) and fork(2), by errno.
  [[nodiscard]] Result<pid_t> run(std::span<const std::string> words) const;
  [[nodiscard]] Result<pid_t> run(std::span<const std::string> words,
                                  std::span<const std::string> environment) const;

 private:
  [[nodiscard]] Result<pid_t> run(std::span<const std::string> words,
                                  char* const* environment) const;

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  short flags_ = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
};

}  // namespace llrun
