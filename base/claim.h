// The claim on a process: who holds it is its home supervisor, or is about to start that. There is
// one at a time, whether an agent runs or not, and it ends with its holder.
//
// A socket that listens at a name made of the process (unix(7), abstract), taken before the
// supervisor exists and handed to it. The start time is in the name because process ids are given
// again, the namespaces because a container may have the network of its host and processes of its
// own. Anybody may take a name, so one that another user holds says nothing.
//
// Plain system calls, for the launcher, which has no C++ library to use.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace llrun::claim {

struct Claim {
  int fd = -1;      // the claim, close-on-exec; -1: there is none
  int holder = -1;  // the process that has it already; 0: it does not say which; -1: nobody
  [[nodiscard]] bool held() const { return holder >= 0; }
};

namespace inside {

// Of /proc/PID/stat (proc(5)). The name in it may hold blanks and parentheses.
struct Stat {
  int parent = 0;
  unsigned long long start = 0;  // in clock ticks since the boot; 0: it is gone
};

inline Stat stat_of(int pid) {
  char path[40], text[1024];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t length = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  text[length > 0 ? length : 0] = 0;
  Stat stat;
  const char* at = std::strrchr(text, ')');
  for (int field = 2; at != nullptr; ++field) {
    if (field == 4) stat.parent = std::atoi(at);
    if (field == 22) {
      stat.start = std::strtoull(at, nullptr, 10);
      break;
    }
    at = std::strchr(at, ' ');
    if (at != nullptr) ++at;
  }
  return stat;
}

inline unsigned long long start_of(int pid) { return stat_of(pid).start; }

struct Name {
  sockaddr_un address{};
  socklen_t size = 0;  // 0: there is no such process
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

inline Name name_of(int pid) {
  Name name;
  const unsigned long long start = start_of(pid);
  if (start == 0) return name;
  char space[40] = "";
  [[maybe_unused]] const ssize_t length = ::readlink("/proc/self/ns/pid", space, sizeof space - 1);
  name.address.sun_family = AF_UNIX;
  const int written = std::snprintf(name.address.sun_path + 1, sizeof name.address.sun_path - 1,
                                    "llrun-home/%u/%s/%d-%llu", ::getuid(), space, pid, start);
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                     static_cast<std::size_t>(written));
  return name;
}

inline int make_socket() {
  return ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

// As Claim::holder; -2: nobody listens, whether the name is bound or not. A queue that is full is
// somebody's who lives.
inline int holder_of(const Name& name) {
  const int fd = make_socket();
  if (fd < 0) return -1;
  int holder = -1;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::connect(fd, name.get(), name.size) != 0)
    holder = errno == EAGAIN ? 0 : -2;
  else if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
    holder = peer.uid == ::geteuid() ? peer.pid : -1;
  ::close(fd);
  return holder;
}

}  // namespace inside

// Neither held nor taken: it cannot be had, by whoever's fault; then there is none to keep.
inline Claim take(int pid) {
  Claim claim;
  const auto name = inside::name_of(pid);
  if (name.size == 0) return claim;
  // Between another's bind and listen lie microseconds, unless it stands still just there.
  for (int tries = 0; tries < 100; ++tries) {
    claim.fd = inside::make_socket();
    if (claim.fd < 0) return claim;
    if (::bind(claim.fd, name.get(), name.size) == 0 && ::listen(claim.fd, SOMAXCONN) == 0)
      return claim;
    const bool taken = errno == EADDRINUSE;
    ::close(claim.fd);
    claim.fd = -1;
    if (!taken) return claim;
    claim.holder = inside::holder_of(name);
    if (claim.holder != -2) return claim;
    claim.holder = -1;
    const timespec moment{0, 2'000'000};
    ::nanosleep(&moment, nullptr);
  }
  return claim;
}

// Who is asked for from now on is this process, not the one that took it.
inline void take_over(int fd) { ::listen(fd, SOMAXCONN); }

// As Claim::holder, without taking it: what is only about to be taken is not held.
inline int holder(int pid) {
  const auto name = inside::name_of(pid);
  const int found = name.size == 0 ? -1 : inside::holder_of(name);
  return found == -2 ? -1 : found;
}

}  // namespace llrun::claim
