#include "tools/llrun_beginning.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/claim.h"
#include "base/tree_mark.h"
#include "tools/llrun_launch.h"

namespace llrun::launcher {
namespace {

constexpr int kShortLife_ms = 100;
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

// A name that cannot be read is one of nobody's tree.
bool somebody_is_left(unsigned long long since) {
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) return true;  // whoever can look better will
  bool found = false;
  while (const dirent* entry = found ? nullptr : ::readdir(processes)) {
    const int pid = std::atoi(entry->d_name);
    found = pid > 0 && pid != ::getpid() && tree_mark::read(pid) != 0 &&
            claim::inside::start_of(pid) >= since;
  }
  ::closedir(processes);
  return found;
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

LastMade last_made() {
  LastMade made;
  const int fd = ::open("/proc/sys/kernel/ns_last_pid", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return made;
  const ssize_t length = ::read(fd, made.number, sizeof made.number - 1);
  ::close(fd);
  made.number[length > 0 ? length : 0] = 0;
  return made;
}

bool ends_at_once(int pidfd, const LastMade& before, unsigned long long since) {
  if (!ended_within(pidfd, kShortLife_ms)) return false;
  if (before.number[0] != 0 && std::strcmp(before.number, last_made().number) == 0) return true;
  return !somebody_is_left(since);
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
