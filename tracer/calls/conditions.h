// Conditions on the arguments of a call: when a conditional call is native, and which calls concern
// a descriptor that lives at home.
//
// Plain data, so that the filter (which runs in the kernel) and the verdict (which the supervisor
// asks when a call was notified) can not disagree. Arguments that the kernel takes as 32-bit
// numbers are compared in 32 bits: what a program leaves in the upper half means nothing to the
// kernel and must not evade us.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "tracer/calls/call_table.h"

namespace llrun {

using CallArgs = std::array<std::uint64_t, 6>;

// (argument & mask) == value
struct Condition {
  std::uint8_t arg = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  [[nodiscard]] bool holds(const CallArgs& args) const { return (args[arg] & mask) == value; }
};

// All of them hold. Each argument appears at most once.
using Conjunction = std::vector<Condition>;

[[nodiscard]] bool holds(const Conjunction& all, const CallArgs& args);

// The program's descriptors whose other side lives at home, by number in its table. All of them are
// compared by number, so whatever could make another number mean the same (dup, F_DUPFD) or this
// number mean something else (close, dup2 onto it) concerns them too.
struct HomeDescriptors {
  std::vector<int> input;      // read on demand: what is there is known at home only
  std::vector<int> terminals;  // modes, foreground group and queues are home's
  std::vector<int> offsets;  // regular files whose offset is shared with processes outside the job
  [[nodiscard]] bool any() const {
    return !input.empty() || !terminals.empty() || !offsets.empty();
  }
};

// So many of them, a terminal counting twice (its input, and its modes): a filter that compares
// more would be too long for the kernel, and making it would take too long.
inline constexpr std::size_t kMostHomeDescriptors = 64;

// What home keeps from the peer ([view] of llrun.conf), as far as calls have to be asked about.
struct KeptFiles {
  bool moves_are_asked = false;    // some files are not given out: nor may they get another name
  bool changes_are_asked = false;  // some are not to be changed
};

// What is known of the guest that makes the calls.
struct CallContext {
  HomeDescriptors home;
  std::optional<GuestPid> self;
  KeptFiles kept = {};
};

// A conditional call is native if any of these holds. The program's own id, where known, makes
// calls that name it native.
[[nodiscard]] std::vector<Conjunction> native_when(const CallRow& row, const CallContext& context);

// When a call is one that nobody may have executed on a peer for its arguments' sake, whatever else
// the table says of it: sockets that reach past a network namespace (vsock(7), packet(7), the
// kernel's crypto API), and namespaces of one's own, in which one has every capability. What
// clone3(2) is asked for lies in memory: the tracer looks at that.
[[nodiscard]] std::vector<Conjunction> never_when(const CallRow& row);

// A call that concerns a descriptor at home whenever `when` holds; an empty one always does.
struct HomeUse {
  std::uint32_t number = 0;
  Conjunction when;
};
[[nodiscard]] std::vector<HomeUse> home_uses(const HomeDescriptors& home);

}  // namespace llrun
