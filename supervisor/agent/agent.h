// Agent: one per user and node. Knows the programs supervised here, the other nodes and the load;
// decides; lets guests in. Holds nothing that it could not learn again, so it may end and start at
// any time.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "supervisor/agent/bedtime.h"
#include "supervisor/agent/costs.h"
#include "supervisor/agent/decider.h"
#include "supervisor/agent/door.h"
#include "supervisor/agent/drain.h"
#include "supervisor/agent/errand.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/experience.h"
#include "supervisor/agent/guest_ageing.h"
#include "supervisor/agent/guest_limits.h"
#include "supervisor/agent/homes.h"
#include "supervisor/agent/peers.h"
#include "supervisor/agent/processes.h"
#include "supervisor/agent/questions.h"
#include "supervisor/agent/strangers.h"
#include "supervisor/agent/switches.h"
#include "supervisor/agent/verbs.h"
#include "supervisor/agent/waiters.h"
#include "supervisor/config/config.h"
#include "supervisor/control/server.h"
#include "supervisor/load/meter.h"

namespace llrun::agent {

struct AgentPlaces {
  std::string state_directory;
  std::string supervisor_program;
  std::string costs_file;  // empty: none
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
  void note(const std::string& words) { log_.add(words); }
  // The owner wants it to end: guests are asked to leave first, for as long as `drain` of the
  // configuration says. `gone` is called once, when it may end; called again meanwhile, it is at
  // once. Supervisors are told, so that they do not start it again.
  void stop(std::function<void()> gone);

 private:
  Agent(EventLoop& loop, config::Config config, const AgentPlaces& places,
        std::unique_ptr<control::ControlServer> server);
  void client_came(const std::shared_ptr<control::Connection>& connection);
  void message_came(const std::weak_ptr<control::Connection>& from,
                    const protocol::ControlMessage& message, std::vector<Fd> fds);
  void step();
  void exchange();
  void measure();
  void probe_hosting();
  void say_stopping();
  [[nodiscard]] bool could_go() const;              // a program of this node, somewhere
  [[nodiscard]] bool is_leaving() const;            // about to sleep, or to end
  [[nodiscard]] std::string why_no_guests() const;  // empty: they are welcome
  [[nodiscard]] std::string why_not(const protocol::Hello& newcomer);
  [[nodiscard]] protocol::Load load_now() const;
  void look_for_socket();
  void write_loads();
  void remove_loads(std::size_t from) const;

  std::unique_ptr<control::ControlServer> server_;  // held until all else is put away
  EventLoop& loop_;
  config::Config config_;
  AgentPlaces places_;
  KeptSwitches switches_;
  std::string cannot_host_;  // why no world can be made here; empty: it can, or it is not known yet
  EventLog log_;
  protocol::Origin origin_;
  protocol::Load own_load_;
  Processes processes_;
  std::unique_ptr<Waiters> waiters_;
  Strangers strangers_;
  Costs costs_;
  GuestGroup group_;
  GuestLimits limits_;
  GuestAgeing ageing_;
  Peers peers_;
  Homes homes_;
  Door door_;
  Drain drain_;
  Errands errands_;
  std::unique_ptr<Experience> experience_;
  std::unique_ptr<Decider> decider_;
  std::unique_ptr<Verbs> verbs_;
  std::unique_ptr<Questions> questions_;
  std::unique_ptr<load::LoadMeter> meter_;
  std::unique_ptr<Bedtime> bedtime_;
  std::set<std::shared_ptr<control::Connection>> clients_;
  std::vector<EventLoop::TimerId> timers_;
  std::function<void()> gone_;  // stopping
  bool loads_file_works_ = true;
};

}  // namespace llrun::agent
