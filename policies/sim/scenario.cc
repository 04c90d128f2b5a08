#include "policies/sim/scenario.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace llrun::policies::sim {

namespace {

constexpr double kMiB = 1048576;

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return failure(ErrorCode::kInvalid, "\"" + std::string(text) + "\" is not a number");
  return value;
}

// "4:1.5:8192": cores, speed, MiB.
Result<SimNode> parse_node(std::string_view text) {
  SimNode node;
  const auto parts = split(text, ':');
  if (!parts.empty()) {
    LLRUN_TRY_ASSIGN(node.cores, parse_number(parts[0]));
  }
  if (parts.size() > 1) {
    LLRUN_TRY_ASSIGN(node.speed, parse_number(parts[1]));
  }
  if (parts.size() > 2) {
    LLRUN_TRY_ASSIGN(const double mib, parse_number(parts[2]));
    node.memory_bytes = mib * kMiB;
  }
  if (node.cores <= 0 || node.speed <= 0)
    return failure(ErrorCode::kInvalid,
                   "a node needs cores and speed above zero: " + std::string(text));
  return node;
}

double capacity_of(const std::vector<SimNode>& nodes) {
  double capacity = 0;
  for (const SimNode& node : nodes) capacity += node.cores * node.speed;
  return capacity;
}

Result<std::unique_ptr<Workload>> make_poisson(const Scenario& scenario, std::uint64_t seed) {
  double mean_s = 1;
  LLRUN_TRY_ASSIGN(SizeLaw sizes, parse_sizes(scenario.sizes, mean_s));
  ArrivalOptions arrivals;
  arrivals.seed = seed;
  arrivals.jobs = scenario.jobs;
  arrivals.rate_per_s = scenario.rho * capacity_of(scenario.config.nodes) / mean_s;
  arrivals.home_weights = scenario.home_weights;
  if (arrivals.home_weights.empty())
    for (const SimNode& node : scenario.config.nodes)
      arrivals.home_weights.push_back(node.cores * node.speed);
  if (arrivals.home_weights.size() != scenario.config.nodes.size())
    return failure(ErrorCode::kInvalid, "as many arrival shares as nodes are needed");
  arrivals.batch_mean = scenario.batch_mean;
  arrivals.rss_mean_bytes = scenario.rss_mean_bytes;
  return poisson_workload(arrivals, std::move(sizes));
}

std::unique_ptr<Workload> make_kacer_tvrdik(const Scenario& scenario, std::uint64_t seed) {
  KacerTvrdikOptions options;
  options.seed = seed;
  options.nodes = static_cast<std::uint32_t>(scenario.config.nodes.size());
  options.users = 2 * options.nodes;
  const double jobs_in_batch = (options.most_in_batch + 1) / 2.0;
  options.batches_each = static_cast<std::uint64_t>(
      std::ceil(static_cast<double>(scenario.jobs) / jobs_in_batch / options.users));
  options.rho = scenario.rho;
  options.consecutive = scenario.consecutive;
  return kacer_tvrdik_workload(options);
}

// Each replication takes its own part of the log, so that replications differ.
std::unique_ptr<Workload> slice_of_log(const Scenario& scenario, std::uint64_t seed) {
  const std::vector<Job>& all = *scenario.log;
  const std::size_t count = std::min<std::size_t>(all.size(), scenario.jobs);
  const std::size_t begin = (seed - 1) % (all.size() / count) * count;
  std::vector<Job> jobs(all.data() + begin, all.data() + begin + count);
  const double start_s = jobs.front().arrival_s;
  for (Job& job : jobs) job.arrival_s -= start_s;
  return listed_workload(std::move(jobs));
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Result<std::vector<double>> parse_numbers(std::string_view text) {
  std::vector<double> numbers;
  for (const std::string& part : split(text, ',')) {
    LLRUN_TRY_ASSIGN(const double number, parse_number(part));
    numbers.push_back(number);
  }
  return numbers;
}

Result<std::vector<SimNode>> parse_nodes(std::string_view text) {
  constexpr double kMost = 1e6;
  std::vector<SimNode> nodes;
  for (const std::string& group : split(text, ',')) {
    const std::size_t times = group.find('x');
    LLRUN_TRY_ASSIGN(const double count, parse_number(std::string_view(group).substr(0, times)));
    SimNode node;
    if (times != std::string::npos) {
      LLRUN_TRY_ASSIGN(node, parse_node(std::string_view(group).substr(times + 1)));
    }
    if (count < 1 || count > kMost)
      return failure(ErrorCode::kInvalid, "1 to 1000000 nodes, not " + group);
    nodes.insert(nodes.end(), static_cast<std::size_t>(count), node);
  }
  if (nodes.empty()) return failure(ErrorCode::kInvalid, "at least one node is needed");
  return nodes;
}

Result<SizeLaw> parse_sizes(std::string_view text, double& mean_s) {
  const std::size_t colon = text.find(':');
  const std::string_view law = text.substr(0, colon);
  std::string numbers(colon == std::string_view::npos ? "" : text.substr(colon + 1));
  std::ranges::replace(numbers, ':', ',');
  LLRUN_TRY_ASSIGN(const auto values, parse_numbers(numbers));
  if (law == "exponential" && values.size() == 1 && values[0] > 0) {
    mean_s = values[0];
    return exponential_sizes(mean_s);
  }
  if (law == "pareto" && values.size() == 3 && values[0] > 0 && values[1] > 0 &&
      values[2] > values[1]) {
    mean_s = pareto_mean_s(values[0], values[1], values[2]);
    return pareto_sizes(values[0], values[1], values[2]);
  }
  return failure(ErrorCode::kInvalid,
                 "sizes are exponential:MEAN or pareto:ALPHA:LOW:HIGH, not " + std::string(text));
}

Result<std::unique_ptr<Workload>> make_workload(const Scenario& scenario, std::uint64_t seed) {
  if (scenario.workload == "poisson") return make_poisson(scenario, seed);
  if (scenario.workload == "kacer-tvrdik") return make_kacer_tvrdik(scenario, seed);
  if (scenario.workload == "log" && scenario.log) return slice_of_log(scenario, seed);
  return failure(
      ErrorCode::kInvalid,
      "the workload is poisson, kacer-tvrdik or log (with a file), not " + scenario.workload);
}

void fit_cores(Scenario& scenario) {
  if (!scenario.log || scenario.log->empty()) return;
  double work = 0;
  for (const Job& job : *scenario.log) work += job.cpu_s;
  const double span =
      std::max(1.0, scenario.log->back().arrival_s - scenario.log->front().arrival_s);
  const auto nodes = static_cast<double>(scenario.config.nodes.size());
  const double cores = std::max(1.0, std::round(work / span / scenario.rho / nodes));
  for (SimNode& node : scenario.config.nodes) node.cores = cores;
}

Result<SimResult> replicate(const Scenario& scenario, std::string_view strategy, std::uint64_t seed,
                            const OutcomeSink& sink) {
  SimConfig config = scenario.config;
  config.strategy = strategy;
  config.seed = seed * 1000003;
  // Settings written NAME.SETTING are for that strategy only.
  config.strategy_numbers.clear();
  for (const auto& [key, value] : scenario.config.strategy_numbers) {
    const std::size_t dot = key.find('.');
    if (dot != std::string::npos && key.substr(0, dot) == strategy)
      config.strategy_numbers[key.substr(dot + 1)] = value;
  }
  LLRUN_TRY_ASSIGN(const auto workload, make_workload(scenario, seed));
  return simulate(config, *workload, sink);
}

}  // namespace llrun::policies::sim
