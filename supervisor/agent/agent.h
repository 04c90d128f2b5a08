// Agent: one per user and node. Knows the programs supervised here, the other nodes and the load;
// decides; lets guests in. Holds nothing that it could not learn again, so it may end and start at
// any time.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/event_loop.h"
#include "supervisor/agent/decider.h"
#include "supervisor/agent/door.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/experience.h"
#include "supervisor/agent/peers.h"
#include "supervisor/agent/processes.h"
#include "supervisor/agent/questions.h"
#include "supervisor/config/config.h"
#include "supervisor/control/server.h"
#include "supervisor/load/meter.h"

namespace llrun::agent {

struct AgentPlaces {
  std::string socket;
  std::string state_directory;
  std::string supervisor_program;
};

class Agent {
 public:
  // kRefused when the agent of this name runs already.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> create(EventLoop& loop, config::Config config,
                                                             const AgentPlaces& places);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void log_to_stderr() { log_.also_to_stderr(); }
  // The owner wants it to end: supervisors are told, so that they do not start it again at once.
  void say_stopping();

 private:
  Agent(EventLoop& loop, config::Config config, const AgentPlaces& places);
  void client_came(std::shared_ptr<control::Connection> connection);
  void message_came(const std::weak_ptr<control::Connection>& from,
                    const protocol::ControlMessage& message, std::vector<Fd> fds);
  void half_second();
  void measure();

  EventLoop& loop_;
  config::Config config_;
  Switches switches_;
  EventLog log_;
  protocol::Load own_load_;
  Processes processes_;
  Peers peers_;
  Door door_;
  std::unique_ptr<Experience> experience_;
  std::unique_ptr<Decider> decider_;
  std::unique_ptr<Questions> questions_;
  std::unique_ptr<load::LoadMeter> meter_;
  std::unique_ptr<control::ControlServer> server_;
  std::set<std::shared_ptr<control::Connection>> clients_;
  EventLoop::TimerId timer_ = 0;
  bool whole_second_ = false;
};

}  // namespace llrun::agent
