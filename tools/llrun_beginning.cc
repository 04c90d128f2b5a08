#include "tools/llrun_beginning.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/claim.h"
#include "base/tree_mark.h"
#include "base/waiting.h"
#include "tools/llrun_launch.h"

namespace llrun::launcher {
namespace {

constexpr int kShortLife_ms = 100;
constexpr int kMostLookedAt = 200;  // then a look at all that are there takes less
constexpr int kFirstPause_ms = 2'000;
constexpr int kLongestPause_ms = 32'000;
// Loading it takes some hundredths of a second, under a load more.
constexpr int kBeginning_ms = 60'000;

bool ended_within(int pidfd, int limit_ms) {
  timespec start{}, now{};
  ::clock_gettime(CLOCK_MONOTONIC, &start);
  for (int left = limit_ms; left >= 0;) {
    pollfd wanted{pidfd, POLLIN, 0};
    const int got = ::poll(&wanted, 1, left);
    if (got >= 0 || errno != EINTR) return got > 0;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    left = limit_ms - static_cast<int>((now.tv_sec - start.tv_sec) * 1000 +
                                       (now.tv_nsec - start.tv_nsec) / 1'000'000);
  }
  return false;
}

// The process, or thread, that was made last here. kernel/pid_namespace.c, ns_last_pid. 0: the
// kernel does not tell.
int last_made() {
  char number[24];
  const int fd = ::open("/proc/sys/kernel/ns_last_pid", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t length = ::read(fd, number, sizeof number - 1);
  ::close(fd);
  number[length > 0 ? length : 0] = 0;
  return std::atoi(number);
}

// As supervisor/home/strays.h judges: it comes from a program under llrun, and neither its parent
// nor anybody else tells of it.
bool may_be_stray(int pid) {
  if (tree_mark::read(pid) == 0) return false;
  return tree_mark::read(claim::inside::stat_of(pid).parent) == 0 && claim::holder(pid) < 0;
}

bool some_process_may_be_stray() {
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) return true;  // whoever can look better will
  bool found = false;
  while (const dirent* entry = found ? nullptr : ::readdir(processes)) {
    const int pid = std::atoi(entry->d_name);
    found = pid > 0 && may_be_stray(pid);
  }
  ::closedir(processes);
  return found;
}

// Process ids are given one after the other: what was made since this process has those between its
// own and the last, unless many were made, or the numbers have begun anew.
bool somebody_is_left() {
  const int last = last_made();
  int pid = ::getpid();
  if (last < pid || last - pid > kMostLookedAt) return some_process_may_be_stray();
  while (++pid <= last)
    if (may_be_stray(pid)) return true;
  return false;
}

enum class Next { kEnded, kWake, kLater };

// As long as the agent has no reason to have the process watched. Says what comes next.
Next wait_connected(int socket, int pidfd, int pid) {
  pollfd wanted[] = {{pidfd, POLLIN, 0}, {socket, POLLIN, 0}};
  while (::poll(wanted, 2, -1) < 0)
    if (errno != EINTR) return Next::kWake;
  if (wanted[0].revents != 0) {
    const bool left = somebody_is_left();
    waiting::say(socket, left ? waiting::Kind::kLeaves : waiting::Kind::kEnded, pid);
    return left ? Next::kWake : Next::kEnded;
  }
  waiting::Word word{};
  const bool told = ::recv(socket, &word, sizeof word, MSG_DONTWAIT) == sizeof word;
  return told && word.kind == waiting::Kind::kStopping ? Next::kLater : Next::kWake;
}

[[noreturn]] void watch(int from, int pid, int verbose_fd) {
  char text[1024];
  std::size_t length = 0;
  pollfd wanted{from, POLLIN, 0};
  for (;;) {
    if (::poll(&wanted, 1, kBeginning_ms) == 0) ::_exit(0);  // it lives, and is slow
    char spare[256];
    const bool full = length + 1 >= sizeof text;
    const ssize_t got = full ? ::read(from, spare, sizeof spare)
                             : ::read(from, text + length, sizeof text - 1 - length);
    if (got < 0 && errno == EINTR) continue;
    const char* piece = full ? spare : text + length;
    if (got > 0 && std::memchr(piece, 0, static_cast<std::size_t>(got)) != nullptr) ::_exit(0);
    if (got <= 0) break;
    if (!full) length += static_cast<std::size_t>(got);
  }
  while (length > 0 && text[length - 1] == '\n') --length;
  text[length] = 0;
  for (char* at = text; *at != 0; ++at)
    if (static_cast<unsigned char>(*at) < ' ') *at = ' ';
  char line[1280];
  std::snprintf(line, sizeof line,
                "its supervisor ended at once (%s); the program runs on here, unwatched",
                length > 0 ? text : "it said nothing; it may have been killed");
  log_line(line, pid, 0);
  if (verbose_fd >= 0) ::dprintf(verbose_fd, "llrun: process %d: %s\n", pid, line);
  ::_exit(0);
}

}  // namespace

Life life_of(int pidfd) {
  if (!ended_within(pidfd, kShortLife_ms)) return Life::kGoesOn;
  return somebody_is_left() ? Life::kLeftSomebody : Life::kEnded;
}

bool ends_unwatched(int pidfd, int pid, const char* agent) {
  // Another configuration has another agent, whose name is not known here.
  if (std::getenv("LLRUN_CONF") != nullptr) return false;
  char state[PATH_MAX];
  if (!state_directory(state, sizeof state)) return false;
  const auto address =
      waiting::address_of(state, agent != nullptr ? agent : std::getenv("LLRUN_NAME"));
  bool later = false;  // the agent has been stopped, and is not to be started by this
  for (int pause = kFirstPause_ms;; pause = pause < kLongestPause_ms ? 2 * pause : pause) {
    const int socket = address.length > 0 ? waiting::connect_to(address) : -1;
    if (socket < 0 && !later) return false;
    if (socket >= 0) {
      const auto next = waiting::say(socket, waiting::Kind::kWaits, pid)
                            ? wait_connected(socket, pidfd, pid)
                            : Next::kWake;
      ::close(socket);
      if (next != Next::kLater) return next == Next::kEnded;
      later = true;
      pause = kFirstPause_ms;
    }
    if (ended_within(pidfd, pause)) return !somebody_is_left();
  }
}

// The watcher is nobody's child here, as the supervisor is: CLONE_PARENT.
bool watch_beginning(int pid, int verbose_fd) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  const long child = ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    ::close(ends[1]);
    watch(ends[0], pid, verbose_fd);
  }
  if (child > 0) ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[0]);
  ::close(ends[1]);
  return child > 0;
}

}  // namespace llrun::launcher
