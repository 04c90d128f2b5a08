#include "supervisor/agent/errand.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <utility>

namespace llrun::agent {
namespace {

// The agent blocks and ignores signals that a program expects as they come.
int spawn(const std::vector<std::string>& words, int out, int& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, 1);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int problem =
      ::posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  return problem;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string how_ended(int status) {
  if (WIFSIGNALED(status)) return std::string("ended by ") + ::strsignal(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Errands::~Errands() {
  for (auto& errand : errands_) {
    loop_.unwatch(errand.out.get());
    loop_.cancel(errand.timer);
    ::kill(errand.pid, SIGKILL);
    ::waitpid(errand.pid, nullptr, 0);
  }
}

void Errands::run(std::vector<std::string> words, Done done) {
  auto pipe = make_pipe();
  int pid = 0;
  const int problem = pipe ? spawn(words, pipe->second.get(), pid) : pipe.error().errno_value;
  if (problem != 0) return done({{}, "cannot run " + words[0] + ": " + std::strerror(problem)});
  errands_.push_back({pid, std::move(pipe->first), {}, 0, std::move(done)});
  const auto errand = std::prev(errands_.end());
  const auto watched =
      loop_.watch(errand->out.get(), EPOLLIN, [this, errand](std::uint32_t) { read(errand); });
  LLRUN_CHECK(watched, "watching a pipe");
  errand->timer = loop_.after(kLimit, [this, errand] {
    ::kill(errand->pid, SIGKILL);
    finish(errand, "took too long");
  });
}

void Errands::read(std::list<Errand>::iterator errand) {
  std::array<char, 4096> piece{};
  const ssize_t count = ::read(errand->out.get(), piece.data(), piece.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) return finish(errand, "");
  if (errand->text.size() < kMostBytes)
    errand->text.append(piece.data(), static_cast<std::size_t>(count));
}

// Its output has ended, so it ends too.
void Errands::finish(std::list<Errand>::iterator errand, const std::string& trouble) {
  loop_.unwatch(errand->out.get());
  loop_.cancel(errand->timer);
  int status = 0;
  ::waitpid(errand->pid, &status, 0);
  const auto done = std::move(errand->done);
  const Outcome outcome{lines_of(errand->text), trouble.empty() ? how_ended(status) : trouble};
  errands_.erase(errand);
  done(outcome);
}

}  // namespace llrun::agent
