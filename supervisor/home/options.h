// What `llrun` asked of the supervisor of one program.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "netproxy/homefs/kept_back.h"

namespace llrun {

struct HomeOptions {
  HostPid pid;
  Fd pidfd;                    // refers to `pid` since before the exec: cannot be mistaken
  Fd claim;                    // on `pid` (base/claim.h); none where it could not be had
  bool launched = false;       // by llrun; else attached to
  bool marked_anyway = false;  // the supervisor inherited a tree mark (base/tree_mark.h)
  std::string only_node;       // --node: where it may go; empty: anywhere
  std::chrono::milliseconds after{5000};  // --after: age from which it is eligible
  bool after_given = false;               // by --after: who names an age means it
  double max_io = 3;                      // --max-io: MiB/s to and from regular files
  bool stay = false;                      // --stay
  bool verbose = false;                   // -v: tell on stderr
  bool json = false;
  // Programs that take part wherever a shell starts them; empty: whatever a shell starts does.
  std::vector<std::string> level_list;
  bool by_list =
      false;  // --by-list: started by a shell, so it takes part only if it is on the list
  std::chrono::milliseconds lease{30'000};
  std::chrono::milliseconds confirm{600'000};
  std::chrono::milliseconds rest{30'000};
  std::chrono::milliseconds lost_after{0};  // zero: a node that is not reached is waited for
  // What of the user's files a node does not get ([view] of llrun.conf).
  std::function<homefs::KeptBack::Rules(const std::string& node)> kept_from;
};

}  // namespace llrun
