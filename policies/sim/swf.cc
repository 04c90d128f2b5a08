// Standard Workload Format: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html. One job a
// line, 18 numbers, -1 for what is not known; comments begin with a semicolon.
#include <algorithm>
#include <array>
#include <sstream>
#include <string>

#include "policies/sim/workload.h"

namespace llrun::policies::sim {

namespace {

constexpr std::size_t kFields = 18;
using Fields = std::array<double, kFields>;
enum Field {
  kSubmit = 1,
  kRunTime = 3,
  kProcessors = 4,
  kMemoryKiB = 6,
  kUser = 11,
  kPartition = 15
};

bool parse(const std::string& line, Fields& fields) {
  std::istringstream words(line);
  for (double& field : fields)
    if (!(words >> field)) return false;
  return true;
}

// A job without run time has left no trace of itself.
std::optional<Job> to_job(const Fields& fields, const SwfOptions& options) {
  if (fields[kRunTime] <= 0) return std::nullopt;
  const double processors = std::max(1.0, fields[kProcessors]);
  const double place = fields[kPartition] >= 0 ? fields[kPartition] : std::max(0.0, fields[kUser]);
  Job job;
  job.arrival_s = fields[kSubmit] * options.time_scale;
  job.cpu_s = fields[kRunTime] * processors * options.time_scale;
  job.rss_bytes = std::max(0.0, fields[kMemoryKiB]) * 1024 * processors;
  job.home = static_cast<std::uint32_t>(place) % options.nodes;
  job.program = static_cast<std::uint32_t>(std::max(0.0, fields[kUser])) + 1;
  return job;
}

}  // namespace

Result<std::vector<Job>> read_swf(std::istream& text, const SwfOptions& options) {
  std::vector<Job> jobs;
  std::string line;
  for (std::uint64_t number = 1; jobs.size() < options.most_jobs && std::getline(text, line);
       ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos || line[0] == ';') continue;
    Fields fields;
    if (!parse(line, fields))
      return failure(ErrorCode::kInvalid, "line " + std::to_string(number) +
                                              " of the log has not the 18 numbers of SWF");
    if (const auto job = to_job(fields, options)) jobs.push_back(*job);
  }
  if (jobs.empty()) return failure(ErrorCode::kInvalid, "the log has no job with a run time");
  std::ranges::stable_sort(jobs, {}, &Job::arrival_s);
  return jobs;
}

}  // namespace llrun::policies::sim
