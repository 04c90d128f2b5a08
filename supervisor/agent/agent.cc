#include "supervisor/agent/agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "supervisor/agent/crowd.h"

namespace llrun::agent {

using protocol::ControlMessage;

Result<std::unique_ptr<Agent>> Agent::create(EventLoop& loop, config::Config config,
                                             const AgentPlaces& places) {
  std::unique_ptr<Agent> agent(new Agent(loop, std::move(config), places));
  auto* raw = agent.get();
  // First of all: whoever holds the socket is the agent, and nobody else may touch anything.
  LLRUN_TRY_ASSIGN(agent->server_,
                   control::ControlServer::create(loop, places.socket, [raw](auto connection) {
                     raw->client_came(std::move(connection));
                   }));
  LLRUN_TRY_ASSIGN(
      agent->decider_,
      Decider::create(
          raw->config_, raw->log_, raw->processes_,
          {[raw]() -> const std::map<std::string, Known>& { return raw->peers_.known(); },
           [raw](const std::string& node) { return raw->peers_.command(node); }}));
  LLRUN_TRY_ASSIGN(agent->experience_,
                   Experience::create(raw->config_.hints, places.state_directory, raw->log_));
  agent->decider_->learn_from(*raw->experience_);
  agent->processes_.observe({[raw](const auto& report) { raw->experience_->heard(report); },
                             [raw](const auto& report) { raw->experience_->ended(report); },
                             [raw](const auto& report) { raw->experience_->lost(report); }});
  agent->questions_ = std::make_unique<Questions>(
      Questions::Surroundings{raw->config_, raw->log_, raw->processes_, raw->peers_, *raw->decider_,
                              *raw->experience_, raw->switches_, [raw] { return raw->own_load_; }});
  agent->meter_ = std::make_unique<load::LoadMeter>(places.state_directory);
  agent->measure();
  agent->log_.add(
      fmt::format("the agent of node {} has started (process {})", raw->config_.name, ::getpid()));
  agent->peers_.connect();
  agent->timer_ = loop.every(load::LoadMeter::kStep, [raw] { raw->half_second(); });
  return agent;
}

Agent::Agent(EventLoop& loop, config::Config config, const AgentPlaces& places)
    : loop_(loop),
      config_(std::move(config)),
      switches_{config_.levelling, config_.accept},
      log_(places.state_directory + "/log", "agent " + config_.name),
      processes_(log_),
      peers_(loop, config_, log_),
      door_(
          {loop, config_, log_, processes_, places.supervisor_program,
           [this] { return switches_.accepts; }, [this] { return own_load_.free_memory_bytes(); },
           [this](const auto& hello, ChannelEnds ends) { peers_.adopt(hello, std::move(ends)); }}) {
}

Agent::~Agent() { loop_.cancel(timer_); }

void Agent::say_stopping() {
  ControlMessage message;
  message.mutable_verb()->set_verb("stopping");
  processes_.say_to_all(message);
  log_.add("the agent stops; programs run on where they are");
}

void Agent::client_came(std::shared_ptr<control::Connection> connection) {
  const std::weak_ptr<control::Connection> weak = connection;
  auto* raw = connection.get();
  clients_.insert(connection);
  connection->listen(
      [this, weak](const ControlMessage& message, std::vector<Fd> fds) {
        message_came(weak, message, std::move(fds));
      },
      [this, weak, raw](const std::string&) {
        processes_.gone(raw);
        clients_.erase(weak.lock());
      });
}

void Agent::message_came(const std::weak_ptr<control::Connection>& from,
                         const ControlMessage& message, std::vector<Fd> fds) {
  const auto connection = from.lock();
  if (connection == nullptr || processes_.take(connection, message)) return;
  if (!message.has_stdio_channel()) return questions_->take(connection, message);
  ControlMessage answer;
  answer.set_id(message.id());
  answer.mutable_answer()->set_status(fds.size() == 3 ? protocol::Answer::STATUS_DONE
                                                      : protocol::Answer::STATUS_USAGE);
  if (fds.size() == 3) door_.knock({std::move(fds[0]), std::move(fds[1]), std::move(fds[2])});
  connection->send(answer);
}

void Agent::half_second() {
  meter_->step();
  peers_.look_for_silence();
  whole_second_ = !whole_second_;
  if (!whole_second_) return;
  measure();
  peers_.send(own_load_);
  decider_->decide(own_load_);
}

void Agent::measure() {
  own_load_ = meter_->measure();
  own_load_.set_node(config_.name);
  own_load_.set_levelling(switches_.levelling);
  own_load_.set_accepts(switches_.accepts);
  own_load_.set_incoming(door_.incoming());
  own_load_.set_guests(processes_.guests());
  tell(census_of(processes_.all(), own_load_.run_queue(), own_load_.capacity()), own_load_);
}

}  // namespace llrun::agent
