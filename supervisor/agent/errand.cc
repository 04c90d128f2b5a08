#include "supervisor/agent/errand.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <utility>

#include "base/spawn.h"

namespace llrun::agent {
namespace {

Result<pid_t> spawn(const std::vector<std::string>& words, int out) {
  Spawn program;
  program.give_null(0, O_RDONLY).give(out, 1).give_null(2, O_WRONLY).close_from(3);
  return program.run(words);
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
  const auto pid = pipe ? spawn(words, pipe->second.get()) : std::unexpected(pipe.error());
  if (!pid)
    return done({{}, "cannot run " + words[0] + ": " + std::strerror(pid.error().errno_value)});
  errands_.push_back({*pid, std::move(pipe->first), {}, 0, std::move(done)});
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
