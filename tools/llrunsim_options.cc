#include <zlib.h>

#include <cstdlib>
#include <memory>
#include <sstream>

#include "tools/llrunsim.h"

namespace llrun::llrunsim {

namespace {

namespace po = boost::program_options;
using policies::sim::Scenario;

po::options_description described() {
  po::options_description options("Options");
  auto add = options.add_options();
  add("help,h", "this text");
  add("nodes", po::value<std::string>()->default_value("3"),
      "how many nodes, or groups COUNTxCORES:SPEED:MiB separated by commas");
  add("workload", po::value<std::string>()->default_value("poisson"),
      "poisson, kacer-tvrdik or log");
  add("sizes", po::value<std::string>()->default_value("pareto:1:0.2:1000"),
      "exponential:MEAN or pareto:ALPHA:LOW:HIGH, in CPU seconds");
  add("jobs", po::value<double>()->default_value(1e6), "jobs of a replication");
  add("rho", po::value<double>()->default_value(0.7), "offered load, part of all capacity");
  add("arrivals", po::value<std::string>()->default_value(""),
      "share of arrivals at each node: 60,30,10");
  add("batch", po::value<double>()->default_value(1), "mean number of jobs that arrive at once");
  add("rss", po::value<double>()->default_value(0), "mean memory of a job, MiB (exponential)");
  add("together", "kacer-tvrdik: a batch's processes start at once, not one after another");
  add("swf", po::value<std::string>(),
      "log in Standard Workload Format, may be gzipped; else $LLRUN_SWF");
  add("time-scale", po::value<double>()->default_value(1), "times all times of the log");
  add("freeze", po::value<double>()->default_value(0.5), "freeze time of a move, seconds");
  add("setup", po::value<double>()->default_value(0), "time before the freeze of a move, seconds");
  add("move-cpu", po::value<double>()->default_value(0.02), "CPU of each end for a move, seconds");
  add("place", po::value<double>()->default_value(0.05), "delay of a remote start, seconds");
  add("place-cpu", po::value<double>()->default_value(0.01),
      "CPU of each end for a remote start, seconds");
  add("information", po::value<double>()->default_value(1),
      "age of what is known of others, seconds");
  add("information-step", po::value<double>()->default_value(0.25),
      "period of the reports, seconds");
  add("decide", po::value<double>()->default_value(1), "period of decisions, seconds");
  add("after", po::value<double>()->default_value(0), "age at which a job may move, seconds");
  add("start-at-home", "jobs start where they arrive; the strategy may only move them");
  add("place-from", po::value<double>()->default_value(0),
      "only jobs that need at least so much CPU may start away, seconds");
  add("oracle", "strategies are told what each process still needs, for its age");
  add("known", po::value<double>()->default_value(64), "peers a node knows at a time");
  add("bandwidth", po::value<double>()->default_value(112), "of a link, MiB/s");
  add("strategies", po::value<std::string>()->default_value("all"),
      "names separated by commas, or all");
  add("set", po::value<std::vector<std::string>>()->composing(), "STRATEGY.SETTING=NUMBER");
  add("replications", po::value<int>()->default_value(5), "independent runs");
  add("seed", po::value<std::uint64_t>()->default_value(1), "of the first replication");
  add("parameter", po::value<std::string>()->default_value("freeze"),
      "sweep: the option that varies");
  add("values", po::value<std::string>()->default_value(""),
      "sweep: its values, separated by commas");
  add("vanish", po::value<double>()->default_value(0),
      "information: part of the nodes that vanish");
  add("seconds", po::value<double>()->default_value(60), "information: simulated time");
  add("svg", po::value<std::string>()->default_value(""), "write a plot to this file");
  add("json", "one JSON object a line");
  add("quiet", "no progress on stderr");
  return options;
}

// zlib reads plain files as well.
Result<std::string> read_text(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) return system_error("open " + path);
  std::string text;
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const int count = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    if (count < 0) return failure(ErrorCode::kInvalid, path + " is damaged or not a gzip file");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

Result<> load_log(Scenario& scenario, const po::variables_map& given) {
  std::string path;
  if (given.contains("swf"))
    path = given["swf"].as<std::string>();
  else if (const char* from_environment = std::getenv("LLRUN_SWF"))
    path = from_environment;
  if (path.empty())
    return failure(ErrorCode::kInvalid, "the workload log needs --swf FILE or LLRUN_SWF");
  LLRUN_TRY_ASSIGN(const std::string text, read_text(path));
  std::istringstream stream(text);
  policies::sim::SwfOptions options;
  options.nodes = static_cast<std::uint32_t>(scenario.config.nodes.size());
  options.time_scale = given["time-scale"].as<double>();
  if (given["jobs"].defaulted()) scenario.jobs = options.most_jobs;
  LLRUN_TRY_ASSIGN(auto jobs, policies::sim::read_swf(stream, options));
  scenario.log = std::make_shared<const std::vector<policies::sim::Job>>(std::move(jobs));
  policies::sim::fit_cores(scenario);
  return {};
}

Result<> read_settings(Scenario& scenario, const po::variables_map& given) {
  if (!given.contains("set")) return {};
  for (const std::string& setting : given["set"].as<std::vector<std::string>>()) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || setting.find('.') > equals)
      return failure(ErrorCode::kInvalid, "--set takes STRATEGY.SETTING=NUMBER, not " + setting);
    LLRUN_TRY_ASSIGN(const auto value, policies::sim::parse_numbers(setting.substr(equals + 1)));
    if (value.size() != 1)
      return failure(ErrorCode::kInvalid, "--set takes one number: " + setting);
    scenario.config.strategy_numbers[setting.substr(0, equals)] = value[0];
  }
  return {};
}

Result<Scenario> read_scenario(const po::variables_map& given) {
  Scenario scenario;
  LLRUN_TRY_ASSIGN(scenario.config.nodes,
                   policies::sim::parse_nodes(given["nodes"].as<std::string>()));
  scenario.workload = given["workload"].as<std::string>();
  scenario.sizes = given["sizes"].as<std::string>();
  scenario.consecutive = !given.contains("together");
  scenario.jobs = static_cast<std::uint64_t>(given["jobs"].as<double>());
  LLRUN_TRY_ASSIGN(scenario.home_weights,
                   policies::sim::parse_numbers(given["arrivals"].as<std::string>()));
  for (const char* name :
       {"rho", "batch", "rss", "freeze", "setup", "move-cpu", "place", "place-cpu", "information",
        "information-step", "decide", "after", "place-from", "known", "bandwidth"})
    LLRUN_TRY(set_quantity(scenario, name, given[name].as<double>()));
  scenario.config.asks_at_start = !given.contains("start-at-home");
  scenario.config.knows_lives = given.contains("oracle");
  LLRUN_TRY(read_settings(scenario, given));
  if (scenario.workload == "log") LLRUN_TRY(load_log(scenario, given));
  return scenario;
}

std::vector<std::string> read_strategies(const std::string& text) {
  if (text != "all") return policies::sim::split(text, ',');
  std::vector<std::string> names;
  for (const auto& info : policies::builtin_strategies()) names.emplace_back(info.name);
  return names;
}

Result<Request> to_request(const po::variables_map& given) {
  Request request;
  request.verb =
      given.contains("help") || !given.contains("verb") ? "help" : given["verb"].as<std::string>();
  if (request.verb == "help") return request;
  LLRUN_TRY_ASSIGN(request.scenario, read_scenario(given));
  request.strategies = read_strategies(given["strategies"].as<std::string>());
  request.replications = given["replications"].as<int>();
  if (request.replications < 1)
    return failure(ErrorCode::kInvalid, "at least one replication is needed");
  request.seed = given["seed"].as<std::uint64_t>();
  request.json = given.contains("json");
  request.quiet = given.contains("quiet");
  request.vanish = given["vanish"].as<double>();
  request.seconds = given["seconds"].as<double>();
  request.svg = given["svg"].as<std::string>();
  request.parameter = given["parameter"].as<std::string>();
  LLRUN_TRY_ASSIGN(request.values, policies::sim::parse_numbers(given["values"].as<std::string>()));
  return request;
}

}  // namespace

std::string usage() {
  std::ostringstream text;
  text << "usage: llrunsim VERB [options]\n\n"
          "  compare    all strategies on one workload, with 95 % confidence intervals\n"
          "  sweep      the same for several values of one option, plotted\n"
          "  validate   the simulator against queueing theory\n"
          "  information  the information policies, for several numbers of nodes\n"
          "  list       the strategies and their settings\n\n"
       << described();
  return text.str();
}

Result<> set_quantity(Scenario& scenario, const std::string& name, double value) {
  constexpr double kMiB = 1048576;
  auto& config = scenario.config;
  if (value < 0) return failure(ErrorCode::kInvalid, "--" + name + " may not be negative");
  if (name == "rho")
    scenario.rho = value;
  else if (name == "batch")
    scenario.batch_mean = value;
  else if (name == "rss")
    scenario.rss_mean_bytes = value * kMiB;
  else if (name == "freeze")
    config.cost.freeze_s = value;
  else if (name == "setup")
    config.cost.setup_s = value;
  else if (name == "move-cpu")
    config.cost.move_cpu_s = value;
  else if (name == "place")
    config.place_s = value;
  else if (name == "place-cpu")
    config.place_cpu_s = value;
  else if (name == "information")
    config.information_s = value;
  else if (name == "information-step")
    config.information_step_s = value;
  else if (name == "decide")
    config.decide_s = value;
  else if (name == "after")
    config.after_s = value;
  else if (name == "place-from")
    config.place_from_s = value;
  else if (name == "known")
    config.most_known = static_cast<std::size_t>(value);
  else if (name == "bandwidth")
    config.link.bandwidth_bytes_per_s = value * kMiB;
  else
    return failure(ErrorCode::kInvalid, "--parameter cannot be " + name);
  return {};
}

Result<Request> parse_command_line(int argc, char** argv) {
  po::options_description all = described();
  all.add_options()("verb", po::value<std::string>());
  po::positional_options_description positional;
  positional.add("verb", 1);
  try {
    po::variables_map given;
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(), given);
    po::notify(given);
    return to_request(given);
  } catch (const po::error& error) {
    return failure(ErrorCode::kInvalid, error.what());
  }
}

}  // namespace llrun::llrunsim
