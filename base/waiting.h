// Waiting: how the process that is to become a supervisor waits with the agent until there is a
// reason to be one.
//
// To start a supervisor, and to have it look at its program, costs more than most programs do, and
// is in vain as long as no other node could have them, or while they sleep. So a waiter connects to
// the agent, says for which process it stands, and waits for the process's end or the agent's word.
// The agent looks at all that are waited for, at once.
//
// Plain system calls, for the launcher, which has no C++ library to use.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace llrun::waiting {

enum class Kind : std::int32_t {
  // A waiter says
  kWaits = 1,   // for the process `pid`, which has not ended
  kEnded = 2,   // it has, and has left nobody
  kLeaves = 3,  // it becomes a supervisor, unasked
  // The agent says
  kWake = 10,      // become a supervisor
  kStopping = 11,  // its owner has stopped it: come again when there is one
};

// A packet of a SOCK_SEQPACKET. Both are of one build of llrun, or do not understand each other.
struct Word {
  Kind kind;
  std::int32_t pid;
};

// Where the agent listens for waiters: a name (unix(7), abstract; the first byte is left out) made
// of the user, the pid namespace, the state directory and, if it was named by LLRUN_NAME or
// --name, the agent: a launcher knows no more of it, as it does not read llrun.conf. Length 0:
// there is none.
struct Address {
  char text[100] = "";
  int length = 0;
};
inline Address address_of(const char* state_directory, const char* named) {
  Address address;
  struct stat directory {};
  if (::stat(state_directory, &directory) != 0) return address;
  char space[40] = "";
  [[maybe_unused]] const ssize_t length = ::readlink("/proc/self/ns/pid", space, sizeof space - 1);
  const int written =
      std::snprintf(address.text, sizeof address.text, "llrun-waiting/%u/%s/%lx-%lx/%s", ::getuid(),
                    space, static_cast<unsigned long>(directory.st_dev),
                    static_cast<unsigned long>(directory.st_ino), named == nullptr ? "" : named);
  if (written > 0 && static_cast<std::size_t>(written) < sizeof address.text)
    address.length = written;
  return address;
}

inline int connect_to(const Address& address) {
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  for (int i = 0; i < address.length; ++i) name.sun_path[i + 1] = address.text[i];
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                           static_cast<std::size_t>(address.length));
  ucred peer{};
  socklen_t room = sizeof peer;
  // Anybody may take a name.
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), size) == 0 &&
      ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &room) == 0 && peer.uid == ::getuid())
    return fd;
  ::close(fd);
  return -1;
}

inline bool say(int fd, Kind kind, int pid) {
  const Word word{kind, pid};
  return ::send(fd, &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof word;
}

}  // namespace llrun::waiting
