// Questions: what llrunctl asks. Answers what the agent knows itself, passes on what only a
// supervisor knows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "supervisor/agent/decider.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/peers.h"
#include "supervisor/agent/processes.h"
#include "supervisor/agent/verbs.h"
#include "supervisor/agent/waiters.h"
#include "supervisor/control/agent_client.h"
#include "supervisor/control/connection.h"

namespace llrun::agent {

class Questions {
 public:
  struct Surroundings {
    EventLoop& loop;
    const config::Config& config;
    EventLog& log;
    Processes& processes;
    Waiters& waiters;
    Peers& peers;
    Decider& decider;
    Experience& experience;
    Verbs& verbs;
    std::function<protocol::Load()> own_load;
  };
  explicit Questions(Surroundings around) : around_(std::move(around)) {}

  // Answers or passes on; unknown ones are refused. Never silent.
  void take(const std::shared_ptr<control::Connection>& from,
            const protocol::ControlMessage& message);

 private:
  using Reply = control::Reply;
  void answer(const std::shared_ptr<control::Connection>& from,
              const protocol::ControlMessage& message);
  void list_processes(const Reply& reply);
  void list_nodes(const Reply& reply);
  void follow_log(const std::shared_ptr<control::Connection>& from, std::uint64_t id, bool follow);
  void migrate(const protocol::Migrate& wanted, const Reply& reply);
  void come_home(const protocol::ComeHome& wanted, const Reply& reply);
  void why(const protocol::ControlMessage& message, const Reply& reply);
  void pass_on(int pid, const protocol::ControlMessage& message, const Reply& reply);

  Surroundings around_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace llrun::agent
