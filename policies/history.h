// History: what each program has been like, and so how long it will probably run on.
//
// The model only. The agent keeps one row a program and machine (key: path and build-id) with the
// text of the sketches, and asks here.
#pragma once

#include <optional>

#include "policies/sketch.h"

namespace llrun::policies {

// One run that has ended.
struct RunRecord {
  double cpu_s = 0;
  double io_bytes_per_s = 0;  // through home's files and terminals
  double rss_bytes = 0;       // at most
  double home_calls_per_s = 0;
};

struct ProgramHistory {
  Sketch cpu_s;
  Sketch io_bytes_per_s;
  Sketch rss_bytes;
  Sketch home_calls_per_s;

  // `kept`: what a run leaves of the weight of all before it; 0.98 remembers about 50 runs.
  void record(const RunRecord& run, double kept = 0.98);
  // What another machine has seen of the same program.
  void merge(const ProgramHistory& other);
};

// Median of the CPU seconds still to come for a process that has used `cpu_s`. Without history the
// 1/T law: as much again. History takes over as it grows: `law_weight` runs that reached this age
// weigh as much as the law.
[[nodiscard]] double remaining_cpu_s(const ProgramHistory* history, double cpu_s,
                                     double law_weight = 3);

// The same for a program that has not started; none without history.
[[nodiscard]] std::optional<double> expected_cpu_s(const ProgramHistory* history);

// Whether there are runs enough to rely on, and most of them used at least this much: for what a
// wrong guess costs more than it would gain.
[[nodiscard]] bool surely_uses(const ProgramHistory* history, double cpu_s);

}  // namespace llrun::policies
