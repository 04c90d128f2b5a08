// The launcher's own lines in the log: only when it could not start the supervisor that would have
// written them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tools/llrun_launch.h"

namespace llrun::launcher {
namespace {

void make_directories(char* path) {
  for (char* slash = std::strchr(path + 1, '/'); slash != nullptr;
       slash = std::strchr(slash + 1, '/')) {
    *slash = 0;
    ::mkdir(path, 0700);
    *slash = '/';
  }
  ::mkdir(path, 0700);
}

void machine_name(char (&name)[65]) {
  const int fd = ::open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
  const ssize_t length = fd < 0 ? 0 : ::read(fd, name, 32);
  if (fd >= 0) ::close(fd);
  name[32] = 0;
  if (length == 32) return;
  ::gethostname(name, sizeof name - 1);
  name[sizeof name - 1] = 0;
  name[std::strcspn(name, ".")] = 0;
}

}  // namespace

bool state_directory(char* path, std::size_t size) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  char machine[65] = "";
  machine_name(machine);
  const bool named = state != nullptr && *state == '/';
  if (!named && home == nullptr) return false;
  std::snprintf(path, size, "%s%s/llrun/%s", named ? state : home, named ? "" : "/.local/state",
                machine);
  make_directories(path);
  return true;
}

void log_line(const char* text, int pid, int errno_value) {
  char path[PATH_MAX];
  constexpr char kName[] = "/log";
  if (!state_directory(path, sizeof path - sizeof kName)) return;
  std::memcpy(path + std::strlen(path), kName, sizeof kName);
  const int fd = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  ::localtime_r(&now.tv_sec, &local);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &local);
  ::dprintf(fd, "%s.%03ld llrun %d: %s: %s\n", time, now.tv_nsec / 1000000, pid, text,
            std::strerror(errno_value));
  ::close(fd);
}

}  // namespace llrun::launcher
