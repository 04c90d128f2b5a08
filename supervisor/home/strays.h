// Strays: processes that came from a program under llrun and are nobody's child there any more.
//
// A program that forks and ends at once, and a daemon's first child, are gone before anybody has
// looked at their children. Those are known by the tree mark (base/tree_mark.h): marked, with a
// parent that is not, and without a supervisor. Whose tree they are from it does not say, only
// whether that one stays; so each is left for a while to whoever knows better.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "tracer/procfs/lineage.h"

namespace llrun {

class Strays {
 public:
  // From this age on a process is worth a supervisor, and when it may be of another tree.
  static constexpr std::chrono::milliseconds kOwn{1000};
  static constexpr std::chrono::milliseconds kAnyones{3000};

  // `marked_anyway`: whoever started the supervisor is marked himself, so that the mark says
  // little here: only what shares the session or the group of `program` is from it.
  Strays(HostPid program, bool stays, bool marked_anyway);

  // Those that are old enough and have no supervisor; each is named once.
  [[nodiscard]] std::vector<HostPid> look();
  // At the last look there were some that may be named at another.
  [[nodiscard]] bool some_are_young() const { return some_are_young_; }
  // From now on what is found is most likely from it: its other trees' programs live.
  void program_has_ended() { ended_ = true; }

 private:
  enum class Verdict { kNever, kPerhapsLater, kYoung, kStray };
  [[nodiscard]] Verdict judge(HostPid pid) const;
  [[nodiscard]] std::vector<HostPid> candidates();

  unsigned long mark_;
  bool marked_anyway_;
  bool ended_ = false;
  bool some_are_young_ = false;
  std::chrono::milliseconds started_;  // after the boot
  std::optional<tracer::Lineage> of_program_;
  std::set<int> judged_;       // no strays, or named
  std::vector<HostPid> left_;  // to be judged again
  std::string last_made_;      // when all were looked at
};

}  // namespace llrun
