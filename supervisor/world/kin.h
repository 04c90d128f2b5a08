// Kin: the processes that must exist in a world for the guest's ids to be home's.
//
// getppid, getsid and getpgid show ids of other processes; so these exist, as placeholders. A
// process gets into a session only by being born there, so who makes whom matters: plan_kin() says
// it, as a list in which a member's maker comes before it. Also mirrored: whether the guest's
// process group is orphaned (setpgid(2), kernel/exit.c will_become_orphaned_pgrp), on which the
// effect of SIGTSTP, SIGTTIN and SIGTTOU depends.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"

namespace llrun::world {

// Home's ids of the guest's process. Session and group 0: outside what home can name.
struct Kinship {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0, group = 0;
  pid_t parent_session = 0, parent_group = 0;
  bool group_orphaned = false;
  // Of the parent, upwards, below process 1: one of them may become the guest's parent in its turn.
  std::vector<pid_t> ancestors{};
};

inline constexpr int kInit = -1;  // the maker of those whom init makes

struct Member {
  pid_t pid = 0;
  int maker = kInit;     // index in KinPlan::members
  bool sibling = false;  // becomes a child of its maker's parent (CLONE_PARENT), not of its maker
  bool leads_session = false;  // setsid(2)
  pid_t group = 0;             // setpgid(2) to it; 0: as born
  bool reaper = false;         // takes in those below it that lose their parent (a subreaper)
};

struct KinPlan {
  bool init_leads_session = false;  // home's session is that of its process 1
  std::vector<Member> members;      // the guest is the last one
  // The guest's parent and, upwards, the reapers: whoever of them ends leaves the guest to the
  // next.
  std::vector<pid_t> parents;
};

// kUnsupported: ids that no world can show, in words.
[[nodiscard]] Result<KinPlan> plan_kin(const Kinship& home);

}  // namespace llrun::world
