#include "policies/sim/information_run.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "policies/random.h"
#include "policies/sim/node.h"

namespace llrun::policies::sim {

namespace {

constexpr double kPeriod_s = 1;
constexpr int kPhases = 20;  // nodes do not all speak at the same moment

struct InFlight {
  double arrives_s;
  std::size_t from;
  Outgoing out;
};

class InformationRun {
 public:
  InformationRun(const InformationConfig& config, std::uint64_t seed)
      : config_(config), random_(seed) {}
  Result<> set_up();
  InformationResult run();

 private:
  void step(int phase);
  void send(std::size_t from, std::vector<Outgoing> messages);
  void deliver();
  void vanish();
  void look(bool measured);

  const InformationConfig& config_;
  Random random_;
  std::vector<std::unique_ptr<InformationPolicy>> nodes_;
  std::vector<bool> gone_;
  std::unordered_map<std::string, std::size_t> index_;
  std::deque<InFlight> wire_;
  std::vector<double> sent_bytes_;
  std::uint64_t messages_ = 0;
  double now_s_ = 0;
  bool measuring_ = false;
  double vanished_at_s_ = 0;
  std::vector<double> ages_s_;
  double known_sum_ = 0, gone_sum_ = 0;
  std::uint64_t looks_ = 0;
  InformationResult result_;
};

Result<> InformationRun::set_up() {
  auto list = std::make_shared<std::vector<Peer>>();
  for (std::size_t i = 0; i < config_.nodes; ++i) {
    list->push_back({node_name(i), {}});
    index_[list->back().name] = i;
  }
  for (std::size_t i = 0; i < config_.nodes; ++i) {
    InformationOptions options = config_.options;
    options.self = (*list)[i].name;
    options.seed = random_.next();
    LLRUN_TRY_ASSIGN(auto policy, make_information_policy(config_.policy, options));
    policy->set_peers(list);
    nodes_.push_back(std::move(policy));
  }
  gone_.assign(config_.nodes, false);
  sent_bytes_.assign(config_.nodes, 0);
  return {};
}

// A message to a vanished node is lost, and its sender learns that it is unreachable.
void InformationRun::deliver() {
  while (!wire_.empty() && wire_.front().arrives_s <= now_s_) {
    const InFlight message = std::move(wire_.front());
    wire_.pop_front();
    const auto to = index_.find(message.out.to);
    if (to == index_.end()) continue;
    if (!gone_[to->second])
      send(to->second, nodes_[to->second]->receive(now_s_, message.out.message));
    else if (!gone_[message.from])
      nodes_[message.from]->unreachable(message.out.to);
  }
}

void InformationRun::send(std::size_t from, std::vector<Outgoing> messages) {
  for (Outgoing& out : messages) {
    if (measuring_) {
      ++messages_;
      sent_bytes_[from] += static_cast<double>(wire_bytes(out.message));
    }
    for (Report& report : out.message.reports)
      report.age_s += config_.delay_s;  // as the receiver would add
    wire_.push_back({now_s_ + config_.delay_s, from, std::move(out)});
  }
}

void InformationRun::step(int phase) {
  deliver();
  for (auto i = static_cast<std::size_t>(phase); i < nodes_.size(); i += kPhases)
    if (!gone_[i]) send(i, nodes_[i]->tick(now_s_, NodeView{}));
}

void InformationRun::vanish() {
  const auto count =
      static_cast<std::size_t>(config_.vanish_part * static_cast<double>(config_.nodes));
  for (std::size_t done = 0; done < count;) {
    const std::size_t node = random_.below(config_.nodes);
    if (gone_[node]) continue;
    gone_[node] = true;
    ++done;
  }
  vanished_at_s_ = now_s_;
}

// A sample of the nodes tells what all know.
void InformationRun::look(bool measured) {
  const std::size_t stride = std::max<std::size_t>(1, nodes_.size() / 100);
  double gone_known = 0;
  for (std::size_t i = 0; i < nodes_.size(); i += stride) {
    if (gone_[i]) continue;
    const auto view = nodes_[i]->view(now_s_);
    double gone_here = 0;
    for (const NodeView& node : view) {
      if (measured) ages_s_.push_back(node.age_s);
      gone_here += gone_[index_.at(node.name)] ? 1 : 0;
    }
    gone_known += gone_here;
    if (!measured) continue;
    known_sum_ += static_cast<double>(view.size());
    gone_sum_ += view.empty() ? 0 : gone_here / static_cast<double>(view.size());
    ++looks_;
  }
  if (vanished_at_s_ > 0 && gone_known > 0)
    result_.forgotten_after_s = now_s_ + kPeriod_s - vanished_at_s_;
}

InformationResult InformationRun::run() {
  const int seconds = static_cast<int>(config_.seconds);
  for (int second = 0; second < seconds; ++second) {
    if (second == seconds / 4 && config_.vanish_part > 0) vanish();
    measuring_ = second >= seconds / 2;
    for (int phase = 0; phase < kPhases; ++phase) {
      now_s_ = second + kPeriod_s * phase / kPhases;
      step(phase);
    }
    look(second == seconds - 1);
  }
  const int measured_from = seconds / 2;
  const double measured_s = seconds - measured_from;
  const auto nodes = static_cast<double>(std::ranges::count(gone_, false));
  double bytes = 0;
  for (const double sent : sent_bytes_) bytes += sent;
  result_.messages_per_node_s = static_cast<double>(messages_) / measured_s / nodes;
  result_.bytes_per_node_s = bytes / measured_s / nodes;
  result_.bytes_busiest_s = *std::ranges::max_element(sent_bytes_) / measured_s;
  if (ages_s_.empty()) return result_;
  std::ranges::sort(ages_s_);
  for (const double age : ages_s_) result_.age_mean_s += age / static_cast<double>(ages_s_.size());
  result_.age_p95_s = ages_s_[ages_s_.size() * 95 / 100];
  result_.known = known_sum_ / static_cast<double>(looks_);
  result_.gone_known_part = gone_sum_ / static_cast<double>(looks_);
  return result_;
}

}  // namespace

Result<InformationResult> run_information(const InformationConfig& config, std::uint64_t seed) {
  if (config.nodes < 2 || config.seconds < 4)
    return failure(ErrorCode::kInvalid, "two nodes and four seconds at least");
  InformationRun run(config, seed);
  LLRUN_TRY(run.set_up());
  return run.run();
}

}  // namespace llrun::policies::sim
