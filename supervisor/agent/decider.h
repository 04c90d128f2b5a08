// Decider: once a second, asks the strategy what should go where, and tells the supervisors.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "policies/strategy/strategy.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/experience.h"
#include "supervisor/agent/peers.h"
#include "supervisor/agent/processes.h"
#include "supervisor/agent/strategies.h"
#include "supervisor/config/config.h"

namespace llrun::agent {

// What the decider has to know of the other nodes.
struct Nodes {
  std::function<const std::map<std::string, Known>&()> known;
  std::function<const std::vector<std::string>*(const std::string& node)>
      command;  // none: cannot be reached
};

class Decider {
 public:
  using Clock = EventLoop::Clock;
  // After a refusal the same process is not offered again at once.
  static constexpr std::chrono::seconds kAfterRefusal{30};

  // kInvalid: there is no such strategy.
  [[nodiscard]] static Result<std::unique_ptr<Decider>> create(const config::Config& config,
                                                               EventLog& log, Processes& processes,
                                                               Nodes nodes);
  void decide(const protocol::Load& own);
  // What is expected of a program by hints and history; without it the 1/T law holds for all.
  void learn_from(Experience& experience) { experience_ = &experience; }
  [[nodiscard]] Strategies& strategies() { return strategies_; }
  // A move, decided here or asked for by hand: the supervisor is told how the node is reached. The
  // answer is its own.
  void migrate(const Supervised& process, const std::string& node, const std::string& reason,
               bool by_hand, Processes::OnAnswer on_answer);

 private:
  Decider(const config::Config& config, Strategies strategies, EventLog& log, Processes& processes,
          Nodes nodes)
      : config_(config),
        log_(log),
        processes_(processes),
        nodes_(std::move(nodes)),
        strategies_(std::move(strategies)) {}
  void decide_for(const std::string& only_node, const protocol::Load& own,
                  const std::vector<const Supervised*>& processes);
  [[nodiscard]] bool may_go(const Supervised& process) const;
  [[nodiscard]] policies::ProcessView shown(const protocol::ProcessReport& report) const;
  [[nodiscard]] bool never(const protocol::ProcessReport& report) const;
  void tell_trouble();
  void go(const Supervised& process, const std::string& node, const policies::Decision& decision);

  const config::Config& config_;
  EventLog& log_;
  Processes& processes_;
  Nodes nodes_;
  Strategies strategies_;  // one for each set of targets
  Experience* experience_ = nullptr;
  std::string trouble_;                          // of the strategy, as it was told last
  std::map<int, std::string> under_way_;         // pid -> node: asked to go, not answered yet
  std::map<int, Clock::time_point> not_before_;  // refused lately
};

}  // namespace llrun::agent
