// Decider: asks the strategy what should go where, and tells the supervisors: once a second about
// all that may go, and about a program that is expected to be long when it starts. docs/agent.md
// says which those are, and what happens when a step fails.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "policies/strategy/strategy.h"
#include "supervisor/agent/costs.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/experience.h"
#include "supervisor/agent/explanation.h"
#include "supervisor/agent/peers.h"
#include "supervisor/agent/processes.h"
#include "supervisor/agent/starts.h"
#include "supervisor/agent/strangers.h"
#include "supervisor/agent/strategies.h"
#include "supervisor/config/config.h"

namespace llrun::agent {

// What the decider has to know of the other nodes.
struct Nodes {
  std::function<const std::map<std::string, Known>&()> known;
  std::function<const std::vector<std::string>*(const std::string& node)>
      command;  // none: cannot be reached
  const Costs* costs = nullptr;
};

class Decider {
 public:
  using Clock = EventLoop::Clock;
  // kInvalid: there is no such strategy.
  [[nodiscard]] static Result<std::unique_ptr<Decider>> create(const config::Config& config,
                                                               EventLog& log, Processes& processes,
                                                               Nodes nodes);
  void decide(const protocol::Load& own);
  // How far this node's strategy has a guest of this CPU age stand back.
  [[nodiscard]] int guest_nice(double cpu_age_s) {
    return strategies_.of("").guest_nice(cpu_age_s);
  }
  // A process has been reported: where it should start, if it is new and expected to be long.
  void heard(const protocol::ProcessReport& report, const protocol::Load& own);
  // What is expected of a program by hints and history; without it the 1/T law holds for all.
  void learn_from(Experience& experience) { experience_ = &experience; }
  // Who else runs here; without it a strategy has only the run queues to guess from.
  void count(const Strangers& strangers) { strangers_ = &strangers; }
  [[nodiscard]] Strategies& strategies() { return strategies_; }
  // The target's side: why a newcomer is not welcome by what is true here now; empty: it is.
  [[nodiscard]] std::string why_not(const protocol::Load& own, const protocol::Hello& newcomer);
  // What the strategy says of one process, and the numbers behind it: for a person, and as JSON.
  [[nodiscard]] Explanation explain(const Supervised& process, const protocol::Load& own);
  // The node on which a program started now would run soonest.
  [[nodiscard]] Explanation best(const protocol::Load& own, bool explain) const;
  // A move, decided here or asked for by hand: the supervisor is told how the node is reached. The
  // answer is its own.
  struct Order {
    std::string node;
    std::string reason;
    protocol::Offer offer;
  };
  void migrate(const Supervised& process, const Order& order, Processes::OnAnswer on_answer);
  // The reason of a move that a person asked for; what has moved so stays there.
  static constexpr std::string_view kByHand = "asked for by hand";

 private:
  Decider(const config::Config& config, Strategies strategies, EventLog& log, Processes& processes,
          Nodes nodes)
      : config_(config),
        log_(log),
        processes_(processes),
        nodes_(std::move(nodes)),
        strategies_(std::move(strategies)) {}
  // What a strategy is shown: this node and those that processes of one group may go to.
  struct Sight {
    policies::ClusterView view;
    std::vector<policies::NodeView> nodes;  // view.peers
    std::optional<std::size_t> home;        // turned: this node, among them
  };
  [[nodiscard]] std::unique_ptr<Sight> look(const std::string& only_node,
                                            const protocol::Load& own) const;
  void decide_for(const std::string& only_node, const protocol::Load& own,
                  const std::vector<const Supervised*>& processes);
  void ask(const std::string& set, const Sight& sight,
           const std::vector<const Supervised*>& processes);
  [[nodiscard]] bool relieve(const std::string& only_node, const protocol::Load& own,
                             const std::vector<const Supervised*>& processes);
  [[nodiscard]] bool may_go(const Supervised& process) const {
    return why_not_now(process).empty();
  }
  [[nodiscard]] std::string why_not_now(const Supervised& process) const;
  [[nodiscard]] std::string why_not_where_it_is(const protocol::ProcessReport& report) const;
  [[nodiscard]] bool has_settled(const protocol::ProcessReport& report) const;
  // `host`: where it runs.
  [[nodiscard]] policies::ProcessView shown(const protocol::ProcessReport& report,
                                            const policies::NodeView& host) const;
  [[nodiscard]] bool never(const protocol::ProcessReport& report) const;
  void tell_trouble();
  void go(const Supervised& process, const Sight& sight, const policies::Decision& decision);
  [[nodiscard]] double threads_here(const protocol::ProcessReport& report,
                                    const protocol::Load& own) const;
  [[nodiscard]] std::optional<double> uncounted(const policies::NodeView& self) const;
  void refused(int pid, const std::string& what, const protocol::ControlMessage& message);

  // Placing (decider_placing.cc).
  [[nodiscard]] bool may_be_placed(const protocol::ProcessReport& report) const;
  void place(const Supervised& process, const std::string& expectation, const protocol::Load& own);
  void place_on(int pid, std::vector<std::string> nodes, Order order);
  void count_starts(policies::NodeView& self, const protocol::ProcessReport& newcomer,
                    const protocol::Load& own) const;

  // What is away (decider_away.cc).
  [[nodiscard]] std::string why_not_away(const protocol::ProcessReport& report) const;
  void decide_away(const protocol::Load& own, const std::vector<const Supervised*>& away);
  [[nodiscard]] std::unique_ptr<Sight> look_from(const std::string& host,
                                                 const std::string& only_node,
                                                 const protocol::Load& own) const;
  void count_leavers(Sight& sight) const;
  void call_home(const Supervised& process, const std::string& home, const std::string& reason);

  const config::Config& config_;
  EventLog& log_;
  Processes& processes_;
  Nodes nodes_;
  Strategies strategies_;  // one for each set of targets
  Experience* experience_ = nullptr;
  const Strangers* strangers_ = nullptr;
  Starts starts_;
  std::string trouble_;                          // of the strategy, as it was told last
  std::map<int, std::string> under_way_;         // pid -> node: asked to go, not answered yet
  std::map<int, Clock::time_point> not_before_;  // refused lately
};

}  // namespace llrun::agent
