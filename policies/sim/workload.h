// Workloads: what arrives where and when. A workload is a stream, so a million jobs take no memory;
// the same seed gives the same stream, whatever strategy is asked about it.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace llrun::policies::sim {

struct Job {
  double arrival_s = 0;
  double cpu_s = 0;  // it needs, of a core of speed 1
  double rss_bytes = 0;
  std::uint32_t home = 0;     // node it is started on
  std::uint32_t program = 0;  // key of its history; 0: none
  std::uint64_t batch = 0;    // what follows() needs to find the next of the same batch; 0: none
};

class Workload {
 public:
  virtual ~Workload() = default;
  // The next arrival, in order of time; none at the end.
  [[nodiscard]] virtual std::optional<Job> next() = 0;
  // The job its user starts when `job` has ended, as a shell script does.
  [[nodiscard]] virtual std::optional<Job> follows(const Job&, double /*now_s*/) {
    return std::nullopt;
  }
};

// The size of one job, from uniform numbers.
using UniformSource = std::function<double()>;
using SizeLaw = std::function<double(const UniformSource&)>;

// Mean size `mean_s`.
[[nodiscard]] SizeLaw exponential_sizes(double mean_s);
// P(size > x) falls as x^-alpha between `low_s` and `high_s`.
[[nodiscard]] SizeLaw pareto_sizes(double alpha, double low_s, double high_s);
[[nodiscard]] double pareto_mean_s(double alpha, double low_s, double high_s);

struct ArrivalOptions {
  std::uint64_t seed = 1;
  std::uint64_t jobs = 1'000'000;
  double rate_per_s = 1;             // of all nodes together
  std::vector<double> home_weights;  // share of each node; one entry a node
  double batch_mean = 1;      // jobs that arrive at one node at once: geometric with this mean
  double rss_mean_bytes = 0;  // exponential
};
[[nodiscard]] std::unique_ptr<Workload> poisson_workload(const ArrivalOptions& options,
                                                         SizeLaw sizes);

// Kačer and Tvrdík, "Load balancing by remote execution of short processes on Linux clusters"
// (CCGrid 2002): users submit batches, at times uniform over `span_s`, of a random number of
// consecutive processes, each the Floyd-Warshall algorithm on a random graph: CPU from zero to
// `longest_s`, 0.5 MB.
struct KacerTvrdikOptions {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 3;
  std::uint32_t users = 6;  // each at a node of his own in turn
  std::uint64_t batches_each = 200;
  std::uint32_t most_in_batch = 10;  // uniform from 1
  double longest_s = 60;             // the number of vertices is uniform, the time its cube
  double span_s = 0;                 // 0: such that the load is `rho`
  double rho = 0.7;
  bool consecutive = true;  // each process starts when the one before has ended; else all at once
};
[[nodiscard]] std::unique_ptr<Workload> kacer_tvrdik_workload(const KacerTvrdikOptions& options);

// A log in Standard Workload Format: arrival, run time times processors, home by partition (or
// user).
struct SwfOptions {
  std::uint32_t nodes = 100;
  double time_scale = 1;  // times every size and arrival
  std::uint64_t most_jobs = ~std::uint64_t{0};
};
[[nodiscard]] Result<std::vector<Job>> read_swf(std::istream& text, const SwfOptions& options);
[[nodiscard]] std::unique_ptr<Workload> listed_workload(std::vector<Job> jobs);

}  // namespace llrun::policies::sim
