#include "supervisor/world/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace llrun::world {
namespace {

// Each number below the wanted one costs a descriptor for a moment.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<Fd> next_master(int pts_directory, int& number) {
  Fd master(::openat(pts_directory, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master.valid()) return system_error("make a terminal in a world");
  if (::ioctl(master.get(), TIOCGPTN, &number) != 0)
    return system_error("number a terminal in a world");
  return master;
}

Result<> make_raw(int terminal) {
  termios modes{};
  if (::tcgetattr(terminal, &modes) != 0) return system_error("read a terminal's modes");
  ::cfmakeraw(&modes);
  if (::tcsetattr(terminal, TCSANOW, &modes) != 0) return system_error("make a terminal raw");
  return {};
}

}  // namespace

Result<Terminal> open_numbered_terminal(int pts_directory, int number) {
  allow_many_descriptors();
  std::vector<Fd> below;
  for (;;) {
    int got = -1;
    auto master = next_master(pts_directory, got);
    if (!master)
      return failure(ErrorCode::kUnsupported, "make the terminal /dev/pts/" +
                                                  std::to_string(number) + ": this node stops at " +
                                                  std::to_string(below.size()) + " (" +
                                                  master.error().message() + ")");
    if (got > number)
      return failure(ErrorCode::kUnsupported,
                     "make the terminal /dev/pts/" + std::to_string(number) + ": it is taken");
    if (got < number) {
      below.push_back(std::move(*master));
      continue;
    }
    const int unlocked = 0;
    if (::ioctl(master->get(), TIOCSPTLCK, &unlocked) != 0)
      return system_error("unlock a terminal in a world");
    Fd slave(
        ::openat(pts_directory, std::to_string(number).c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave.valid()) return system_error("open a terminal in a world");
    LLRUN_TRY(make_raw(slave.get()));
    return Terminal{std::move(*master), std::move(slave)};
  }
}

Result<> take_terminal(int slave) {
  if (::ioctl(slave, TIOCSCTTY, 0) != 0) return system_error("take the controlling terminal");
  return {};
}

Result<> take_foreground(int slave) {
  // From the background this raises SIGTTOU unless it is blocked: tcsetpgrp(3).
  sigset_t all, former;
  sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, &former);
  const int problem = ::tcsetpgrp(slave, ::getpgrp());
  ::sigprocmask(SIG_SETMASK, &former, nullptr);
  if (problem != 0) return system_error("take the terminal's foreground");
  return {};
}

}  // namespace llrun::world
