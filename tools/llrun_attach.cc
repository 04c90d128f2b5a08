// llrun -p PID: a supervisor for a process that runs already.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/claim.h"
#include "tools/llrun_launch.h"

namespace llrun::launcher {
namespace {

constexpr int kPatience_ms = 10'000;

int refuse(int pid, const char* why) {
  std::fprintf(stderr, "llrun: cannot attach to process %d: %s\n", pid, why);
  return kOwnFailure;
}

bool read_file(const char* format, int pid, char* text, std::size_t size) {
  char path[64];
  std::snprintf(path, sizeof path, format, pid);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t length = ::read(fd, text, size - 1);
  ::close(fd);
  text[length > 0 ? length : 0] = 0;
  return length >= 0;
}

// The number after `key` in /proc/PID/status; -1: not there.
long status_number(const char* status, const char* key) {
  const char* at = std::strstr(status, key);
  return at == nullptr ? -1 : std::strtol(at + std::strlen(key), nullptr, 10);
}

// Nothing, or why not, for what can be told from outside; the supervisor finds the rest.
const char* why_not(int pid) {
  static char status[8192];
  if (!read_file("/proc/%d/status", pid, status, sizeof status)) return "there is no such process";
  if (pid == ::getpid()) return "that is llrun itself";
  if (status_number(status, "\nTgid:") != pid)
    return "that is a thread of another process; give the number of the process";
  const char* state = std::strstr(status, "\nState:\t");
  if (state != nullptr && (state[8] == 'Z' || state[8] == 'X')) return "it has ended already";
  if (std::strstr(status, "\nVmSize:") == nullptr) return "it is a part of the kernel";
  if (status_number(status, "\nUid:") != static_cast<long>(::getuid()))
    return "it belongs to another user; only one's own processes can be moved";
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d", pid);
  struct stat owner {};
  // The files of a process that must not be looked at belong to root: proc(5), prctl(2)
  // PR_SET_DUMPABLE.
  if (::stat(path, &owner) == 0 && owner.st_uid != ::getuid())
    return "it has privileges or secrets that forbid looking into it (set-id, capabilities, not "
           "dumpable)";
  const long tracer = status_number(status, "\nTracerPid:");
  if (tracer > 0) return "a debugger, strace or another llrun is attached to it; end that first";
  return nullptr;
}

// Passes on what the supervisor says until it has said all about attaching (an empty line), or for
// good with -v. True when it attached; silence of kPatience_ms is taken for assent, for it is alive
// then and will report.
bool relay(int from, bool follow) {
  char text[4096];
  bool line_start = true, attached = false;
  for (;;) {
    pollfd wanted{from, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, attached ? -1 : kPatience_ms);
    if (ready == 0) return true;
    const ssize_t length = ready < 0 ? -1 : ::read(from, text, sizeof text);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return attached;
    for (ssize_t i = 0; i < length; ++i) {
      const bool empty_line = text[i] == '\n' && line_start;
      line_start = text[i] == '\n';
      if (!empty_line) std::fputc(text[i], stderr);
      attached = attached || empty_line;
      if (attached && !follow) return true;
    }
    std::fflush(stderr);
  }
}

// Its supervisor has options of its own, and is not told others.
int under_llrun_already(const Options& options, int supervisor) {
  const bool wants_more =
      options.node != nullptr || options.max_io != nullptr || options.after_ms >= 0 || options.stay;
  char by[32] = "";
  if (supervisor > 0) std::snprintf(by, sizeof by, " (process %d)", supervisor);
  std::fprintf(
      stderr, "llrun: process %d has a supervisor already%s; llrunctl why %d asks it%s\n",
      options.pid, by, options.pid,
      wants_more ? ". The options given now do not count: llrunctl pin and migrate steer it" : "");
  return wants_more ? kOwnFailure : 0;
}

}  // namespace

int attach(const Options& options) {
  // First: where it is away, its supervisor traces what is left of it here.
  if (const int other = claim::holder(options.pid); other >= 0)
    return under_llrun_already(options, other);
  if (const char* reason = why_not(options.pid)) return refuse(options.pid, reason);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refuse(options.pid, std::strerror(errno));
  const Started started = start_supervisor(options, {options.pid, false, ends[1]});
  if (started.other >= 0) return under_llrun_already(options, started.other);
  if (!started.yes) return refuse(options.pid, "no process could be made for its supervisor");
  ::close(ends[1]);
  return relay(ends[0], options.verbose) ? 0 : kOwnFailure;
}

}  // namespace llrun::launcher
