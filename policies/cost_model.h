// The constants behind every estimate of what a move costs.
#pragma once

namespace llrun::policies {

// Constants of this node's migrations. Defaults are conservative.
struct CostModel {
  double setup_s = 0.05;           // world and empty process; the program runs on meanwhile
  double freeze_s = 0.05;          // of a freeze that has nothing to send
  double freeze_s_per_byte = 0;    // and of each byte that travels in it, as measured
  double cpu_s_per_byte = 0.6e-9;  // at either end: copying, checksums
  double move_cpu_s = 0.02;        // at either end, whatever the size
  double home_call_s = 60e-6;      // of a home call, beyond the link's round trip
  double precopy_rounds = 3;       // after which the rest travels in the freeze
};

}  // namespace llrun::policies
