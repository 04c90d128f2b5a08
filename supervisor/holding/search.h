// Whether a journey is held here, told by processes alone: neither a state or run-time directory
// that went, nor an agent that has just been started changes what is found.
//
// A guest's supervisor carries its journey on its command line. A world ends with its init, which
// the kernel lets go only when everything in its pid namespace has gone
// (kernel/pid_namespace.c, zap_pid_ns_processes): so what is left of a guest whose supervisor was
// killed, and waits in the kernel for a file or a disk, is seen by an init that nobody cares for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::holding {

// The word on the command line of a guest's supervisor.
[[nodiscard]] std::string mark_of(const std::string& job, std::uint32_t epoch);

struct Seen {
  int pid = 0, parent = 0;
  char state = '?';
  std::string name;                // of the kernel (comm)
  std::vector<std::string> words;  // of a supervisor; empty: it executes or ends just now
};
// This user's processes of llrun. An error: not all could be looked at.
[[nodiscard]] Result<std::vector<Seen>> look_at_processes();

// Without an origin.
[[nodiscard]] protocol::Holding guest_among(const Result<std::vector<Seen>>& processes,
                                            const std::string& job, std::uint32_t epoch);
// For a job of this home that no registered supervisor has. `registered`: whether the supervisor of
// that process id has said which jobs it has.
[[nodiscard]] protocol::Holding home_among(const Result<std::vector<Seen>>& processes,
                                           const std::string& job,
                                           const std::function<bool(int pid)>& registered);

}  // namespace llrun::holding
