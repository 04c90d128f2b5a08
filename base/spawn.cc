#include "base/spawn.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace llrun {
namespace {

// The kernel takes them as it finds them, and changes none (execve(2)).
std::vector<char*> pointers(std::span<const std::string> texts) {
  std::vector<char*> result;
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

Spawn::Spawn() {
  ::posix_spawn_file_actions_init(&actions_);
  ::posix_spawnattr_init(&attributes_);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes_, &none);
  ::posix_spawnattr_setsigdefault(&attributes_, &all);
  ::posix_spawnattr_setflags(&attributes_, flags_);
}

Spawn::~Spawn() {
  ::posix_spawn_file_actions_destroy(&actions_);
  ::posix_spawnattr_destroy(&attributes_);
}

Spawn& Spawn::give(int source, int target) {
  ::posix_spawn_file_actions_adddup2(&actions_, source, target);
  return *this;
}

Spawn& Spawn::give_null(int target, int flags) {
  ::posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", flags, 0);
  return *this;
}

Spawn& Spawn::close_from(int first) {
  ::posix_spawn_file_actions_addclosefrom_np(&actions_, first);
  return *this;
}

Spawn& Spawn::new_session() {
  flags_ |= POSIX_SPAWN_SETSID;
  ::posix_spawnattr_setflags(&attributes_, flags_);
  return *this;
}

Result<pid_t> Spawn::run(std::span<const std::string> words) const { return run(words, environ); }

Result<pid_t> Spawn::run(std::span<const std::string> words,
                         std::span<const std::string> environment) const {
  return run(words, pointers(environment).data());
}

Result<pid_t> Spawn::run(std::span<const std::string> words, char* const* environment) const {
  if (words.empty()) return failure(ErrorCode::kInvalid, "start a program: it is not named");
  pid_t pid = 0;
  const int problem = ::posix_spawnp(&pid, words[0].c_str(), &actions_, &attributes_,
                                     pointers(words).data(), environment);
  if (problem != 0) return system_error("start " + words[0], problem);
  return pid;
}

}  // namespace llrun
