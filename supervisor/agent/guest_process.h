// Starting the supervisor of a guest, which then stands between the channel and the world it makes.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace llrun::agent {

// The two directions of a channel, and the descriptor whose last copy keeps its process alive.
struct ChannelEnds {
  Fd in, out, lifeline;
};

struct GuestStart {
  std::string program;  // llrun-supervisor
  std::string node;     // this agent's name: the supervisor registers back under it
  std::string hello;    // as it came
  std::string mark;     // by which the supervisor is found (supervisor/holding/search.h)
  int nice = 0;
  long processes = 0;               // threads that the guest may have; 0: any number
  std::vector<std::string> groups;  // cgroup.procs files of the groups that limit guests
  int cores = 0;                    // all guests share so many; 0: any
};

struct GuestProcess {
  int pid = 0;
  Fd pidfd;  // readable when it has ended; the agent reaps it
};

[[nodiscard]] Result<GuestProcess> start_guest_supervisor(const GuestStart& start,
                                                          const ChannelEnds& ends);

}  // namespace llrun::agent
