// Children: what comes from a program takes part as the program does. Each process that lives for
// long enough has a supervisor of its own, with its parent's options.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/home/options.h"
#include "supervisor/home/process_age.h"
#include "supervisor/home/strays.h"

namespace llrun {

class Children {
 public:
  // Marks the program, so that what comes from it can be known (base/tree_mark.h).
  explicit Children(const HomeOptions& options);

  // Gives a supervisor to each that is old enough: most do not live for long, and are not worth
  // one. `by_list`: only the load-level list decides whether it takes part. What went wrong, in
  // words. To be called once a second; `ran`: the program has since the last look. One that has not
  // for a while, and has no young children, is not looked at.
  std::vector<std::string> look(bool ran, bool by_list);
  // It need not be called for now, if the program does not run.
  [[nodiscard]] bool at_rest() const { return looks_left_ == 0; }
  // The program has ended, and its children are somebody else's now: looks at once. True: it has to
  // be looked again, since some are too young.
  [[nodiscard]] bool look_after_the_end(bool by_list);

 private:
  void supervise(HostPid child, bool by_list, std::vector<std::string>& complaints);

  const HomeOptions& options_;
  Strays strays_;
  std::set<int> known_;
  int looks_ = 0, looks_left_ = 0, last_looks_ = 0;
};

}  // namespace llrun
