// Ids that must not be confused: this kernel's view of a process, and the program's own.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <functional>

namespace llrun {

template <typename Tag>
struct Id {
  pid_t value = 0;
  friend auto operator<=>(const Id&, const Id&) = default;
  [[nodiscard]] explicit operator bool() const { return value != 0; }
};

// A process or thread as the kernel the code runs on names it, in the supervisor's own pid
// namespace: what ptrace, kill and /proc take.
using HostPid = Id<struct HostPidTag>;
using HostTid = Id<struct HostTidTag>;
// A process or thread as the program itself and everybody at home name it. At home host and guest
// ids happen to be equal numbers; in a world on a peer they are not.
using GuestPid = Id<struct GuestPidTag>;
using GuestTid = Id<struct GuestTidTag>;

}  // namespace llrun

template <typename Tag>
struct std::hash<llrun::Id<Tag>> {
  std::size_t operator()(const llrun::Id<Tag>& id) const noexcept {
    return std::hash<pid_t>{}(id.value);
  }
};
