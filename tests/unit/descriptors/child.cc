#include "descriptors/child.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/bytes.h"
#include "base/fd.h"

namespace llrun::test {
namespace {

constexpr int kFar = 900;

[[noreturn]] void give_up(const std::string& what, int error) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(error));
  std::abort();
}

void close_all_but(std::vector<int> keep) {
  std::ranges::sort(keep);
  unsigned from = 3;
  for (const int fd : keep) {
    if (static_cast<unsigned>(fd) > from) ::close_range(from, static_cast<unsigned>(fd) - 1, 0);
    from = std::max(from, static_cast<unsigned>(fd) + 1);
  }
  ::close_range(from, ~0U, 0);
}

// fd 2 of the test carries the answer of the child: moved far away from the low numbers, and
// closed.
[[noreturn]] void live(const std::function<int()>& prepare, int tell, std::vector<int> keep) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int far = ::fcntl(tell, F_DUPFD, kFar);
  keep.push_back(far);
  close_all_but(std::move(keep));
  const int result = prepare();
  if (::write(far, &result, sizeof result) != sizeof result) ::_exit(3);
  ::close(far);
  for (;;) ::pause();
}

void to_null(int fd) {
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, fd);
  if (null != fd) ::close(null);
}

[[noreturn]] void start(const std::vector<std::string>& command, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  to_null(0);
  to_null(2);
  ::dup2(output, 1);
  close_all_but({});
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

FdPair pipe_or_give_up() {
  auto made = make_pipe();
  if (!made) give_up("make a pipe", made.error().errno_value);
  return std::move(*made);
}

}  // namespace

Child Child::run(const std::function<int()>& prepare, const std::vector<int>& keep) {
  FdPair answer = pipe_or_give_up();
  const pid_t pid = ::fork();
  if (pid < 0) give_up("fork", errno);
  if (pid == 0) live(prepare, answer.second.get(), keep);
  answer.second.reset();
  Child child(pid);
  int result = 0;
  const auto read = read_all(answer.first.get(), std::as_writable_bytes(std::span(&result, 1)));
  if (!read) give_up("hear from the child: " + read.error().message(), 0);
  if (result != 0) give_up("prepare the child", result);
  // It closes its end next. No wait for the end of the file: children of its own may hold it, too.
  const std::string end = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(kFar);
  while (read_link(end)) ::sched_yield();
  return child;
}

Child Child::exec(const std::vector<std::string>& command) {
  FdPair output = pipe_or_give_up();
  const pid_t pid = ::fork();
  if (pid < 0) give_up("fork", errno);
  if (pid == 0) start(command, output.second.get());
  output.second.reset();
  Child child(pid);
  char c = 0;
  if (::read(output.first.get(), &c, 1) != 1) give_up("start " + command[0], 0);
  child.output_ = std::move(output.first);
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), output_(std::move(other.output_)) {}

Child::~Child() { kill_and_wait(); }

void Child::kill_and_wait() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void become_ordinary_user() {
  constexpr unsigned kSomebody = 61234;
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kSomebody, kSomebody, kSomebody) != 0 ||
      ::setresuid(kSomebody, kSomebody, kSomebody) != 0)
    give_up("become an ordinary user", errno);
  ::prctl(PR_SET_DUMPABLE, 1);  // a change of user takes it away
}

TemporaryDirectory::TemporaryDirectory() {
  std::array<char, 32> name{"/tmp/descriptors-XXXXXX"};
  if (::mkdtemp(name.data()) == nullptr) give_up("make a directory", errno);
  path_ = name.data();
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text, unsigned mode) {
  ::unlink(path.c_str());
  const auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (!file || !write_all(file->get(), bytes_of(text))) give_up("write " + path, errno);
}

}  // namespace llrun::test
