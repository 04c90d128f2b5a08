// What a strategy answers: values with a reason in words and the numbers behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llrun::policies {

// "cost_s" 0.62, "gain_s" 4.1: what --explain prints. Names are literals and carry their unit.
using Numbers = std::vector<std::pair<std::string_view, double>>;

// How crowded both ends were thought to be: the target repeats the comparison with what is true
// there now.
struct Offer {
  double source_s_per_cpu_s = 1;  // wall seconds for a CPU second at the source now
  double bytes = 0;               // memory the newcomer needs
  bool at_start = false;          // a program about to be executed, not a running process
  double cpu_age_s = 0;  // of the newcomer; of a program about to be executed, what it is taken for
  // Hindrance that the newcomer would put up with, below zero: none; 0: its strategy does not count
  // that.
  double at_most_s = 0;
};

// One process: goes to peers[*peer], or stays (only answered when asked to explain).
struct Decision {
  std::uint64_t process = 0;
  std::optional<std::size_t> peer;
  std::string reason;
  Numbers numbers;
  Offer offer;
  std::vector<std::size_t> also =
      {};  // further peers to ask: of those that welcome it, the one of least cost_s gets it
  // What is known, being old, does not speak for it; the peer may know better. Only for askers to
  // whom a refusal costs nothing.
  bool probe = false;
};

// Where a program about to be executed should start: here unless `peer` is set.
struct Placement {
  std::optional<std::size_t> peer;
  std::string reason;
  Numbers numbers;
  Offer offer;
  std::vector<std::size_t> also = {};  // as in Decision
};

// The target's answer to an offer.
struct Admission {
  bool welcome = true;
  std::string reason;  // in words when not welcome
  double cost_s = 0;   // what the newcomer would cost here, for comparison between targets
};

}  // namespace llrun::policies
