// FailedMoves: what has failed for a program in the state that it is in, and is not tried again by
// itself until that state has changed.
//
// A move that fails once the program has been stopped costs it the whole freeze. What it failed for
// is mostly something that the program has (a mapping, a descriptor, its directory), and fails
// again as long as it has that. A person may try all the same.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "base/event_loop.h"
#include "base/ids.h"
#include "tracer/objects/pins.h"

namespace llrun {

// What a move may fail for, as text: executable, directories, descriptors, mapped files, limits,
// credentials. What changes in every program all the time (offsets, sizes, anonymous memory) is not
// in it. Empty: it cannot be looked at.
[[nodiscard]] std::string state_of_program(HostPid pid);

// A move that came to nothing after the program had been stopped, or for a file that it has and its
// user keeps from the node.
struct FailedMove {
  std::string node;  // where it was to go; empty: it could not be captured, wherever it was to go
  std::string why;
  std::string state;  // state_of_program() while it was stopped, if it was
};

class FailedMoves {
 public:
  void note(FailedMove move);
  // Forget what failed in another state than this. Cheap to ask for only while any() is true.
  void look(const std::string& state);
  [[nodiscard]] bool any() const { return !moves_.empty(); }

  // Why it does not go to `node` by itself; none: nothing is known against it.
  [[nodiscard]] std::optional<std::string> against(const std::string& node) const;
  // What holds it here wherever it could go.
  [[nodiscard]] std::optional<tracer::Pin> pin() const;
  // All of them, for `why`.
  [[nodiscard]] tracer::Pins in_words() const;

 private:
  // What the program was just doing may have been the cause, which no state shows: a capture is
  // tried again after a pause that doubles.
  struct Known {
    FailedMove move;
    std::optional<EventLoop::Clock::time_point> until;
  };
  [[nodiscard]] bool counts(const Known& known) const;

  std::map<std::string, Known> moves_;  // by node
  std::chrono::seconds pause_{0};       // before the last capture that failed was to be tried again
};

}  // namespace llrun
