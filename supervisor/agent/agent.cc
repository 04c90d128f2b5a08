#include "supervisor/agent/agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "policies/strategy/relief.h"
#include "supervisor/agent/crowd.h"
#include "supervisor/agent/loads_file.h"
#include "supervisor/agent/views.h"
#include "supervisor/config/paths.h"
#include "supervisor/holding/origin.h"

namespace llrun::agent {

using protocol::ControlMessage;

// A vanished peer is noticed within 3 s when loads come every second: they are missed after 2.5.
static constexpr std::chrono::milliseconds kLookForSilence{250};
// What comes and goes with logins, and what people remove.
static constexpr std::chrono::seconds kLookForSocket{1};

// Half of what this node has, or of what its control groups let it have.
static config::Config with_share_of_memory(config::Config config) {
  protocol::Load now;
  load::measure_memory(now);
  if (!config.guests.memory)
    config.guests.memory = static_cast<double>(now.total_memory_bytes()) / 2 / (1 << 20);
  return config;
}

Result<std::unique_ptr<Agent>> Agent::create(EventLoop& loop, config::Config config,
                                             const AgentPlaces& places) {
  // First of all: whoever holds the socket is the agent, and nobody else may touch anything.
  auto self = std::make_shared<Agent*>();
  LLRUN_TRY_ASSIGN(const auto addresses, config::agent_addresses(config.name));
  LLRUN_TRY_ASSIGN(auto server,
                   control::ControlServer::create(loop, addresses, [self](const auto& connection) {
                     (*self)->client_came(connection);
                   }));
  std::unique_ptr<Agent> agent(new Agent(loop, std::move(config), places, std::move(server)));
  auto* raw = *self = agent.get();
  LLRUN_TRY_ASSIGN(
      agent->decider_,
      Decider::create(
          raw->config_, raw->log_, raw->processes_,
          {[raw]() -> const std::map<std::string, Known>& { return raw->peers_.known(); },
           [raw](const std::string& node) { return raw->peers_.command(node); }, &raw->costs_}));
  LLRUN_TRY_ASSIGN(agent->experience_,
                   Experience::create(raw->config_.hints, places.state_directory, raw->log_));
  agent->decider_->learn_from(*raw->experience_);
  agent->decider_->count(raw->strangers_);
  agent->processes_.observe({[raw](const auto& report) {
                               raw->experience_->heard(report);
                               if (report.waits_until_ms() > 0 && !raw->is_leaving())
                                 raw->decider_->heard(report, raw->load_now());
                             },
                             [raw](const auto& report) { raw->experience_->ended(report); },
                             [raw](const auto& report) { raw->experience_->lost(report); }});
  agent->waiters_ = std::make_unique<Waiters>(
      Waiters::Surroundings{loop, raw->log_, raw->processes_, [raw] { return raw->could_go(); },
                            [raw](const auto& report) { raw->experience_->heard(report); },
                            [raw](const auto& report) { raw->experience_->ended(report); }},
      config::waiting_addresses(raw->config_.name));
  agent->verbs_ = std::make_unique<Verbs>(Verbs::Surroundings{
      loop, raw->config_, raw->log_, raw->processes_, *raw->waiters_, raw->peers_, raw->switches_,
      raw->drain_, raw->decider_->strategies(), *raw->experience_,
      [raw] { return raw->load_now(); },
      [raw](bool explain) { return raw->decider_->best(raw->load_now(), explain); }});
  agent->questions_ = std::make_unique<Questions>(Questions::Surroundings{
      loop, raw->config_, raw->log_, raw->processes_, *raw->waiters_, raw->peers_, *raw->decider_,
      *raw->experience_, *raw->verbs_, [raw] { return raw->load_now(); }});
  agent->meter_ = std::make_unique<load::LoadMeter>(places.state_directory);
  agent->measure();
  agent->log_.add(
      fmt::format("the agent of node {} has started (process {})", raw->config_.name, ::getpid()));
  agent->peers_.connect();
  agent->bedtime_ = std::make_unique<Bedtime>(Bedtime::Surroundings{
      loop, raw->config_.name, raw->log_, raw->processes_, raw->drain_,
      [raw] { return raw->switches_.now().draining; }, [raw] { raw->exchange(); }});
  agent->probe_hosting();
  agent->timers_ = {loop.every(load::LoadMeter::kStep, [raw] { raw->step(); }),
                    loop.every(kLookForSilence, [raw] { raw->peers_.look_for_silence(); }),
                    loop.every(kLookForSocket, [raw] { raw->look_for_socket(); }),
                    loop.every(Homes::kPeriod, [raw] { raw->homes_.look(); }),
                    loop.every(raw->config_.exchange, [raw] { raw->exchange(); })};
  return agent;
}

Agent::Agent(EventLoop& loop, config::Config config, const AgentPlaces& places,
             std::unique_ptr<control::ControlServer> server)
    : server_(std::move(server)),
      loop_(loop),
      config_(with_share_of_memory(std::move(config))),
      places_(places),
      switches_(config_,
                [name = config_.name] { return config::files_beside_sockets(name + ".switches"); }),
      log_(places.state_directory + "/log", "agent " + config_.name),
      origin_(holding::own_origin(config_.name)),
      processes_(log_),
      costs_(places.costs_file),
      group_(GuestGroup::Places::of_this_process(), config_.name, config_.guests),
      limits_(config_, log_, processes_, group_.limits_cpu()),
      ageing_(log_, processes_),
      peers_(
          loop, config_, log_,
          [this](const auto& verb, const auto& reply) { verbs_->perform(verb, reply); },
          [this](const std::string& node) { return costs_.bandwidth(node); },
          [this](const protocol::Load& load) {
            return meter_ ? meter_->speeds().heard(load.cpu_model(), load.speed()) : load.speed();
          },
          [this](const auto& question) {
            return homes_.holding_of(question.job(), question.epoch());
          }),
      homes_(processes_, peers_, origin_),
      door_({loop, config_, log_, processes_, places.supervisor_program, limits_, group_,
             [this](const protocol::Hello& newcomer) { return why_not(newcomer); },
             [this](const protocol::Hello& hello) { return peers_.why_not(hello); },
             [this](const auto& hello, ChannelEnds ends) { peers_.adopt(hello, std::move(ends)); },
             origin_}),
      drain_(loop, log_, processes_),
      errands_(loop) {}

Agent::~Agent() {
  for (const auto timer : timers_) loop_.cancel(timer);
  remove_loads(0);
}

// A world is made and ended, by a program of its own: it takes tens of milliseconds.
void Agent::probe_hosting() {
  errands_.run({places_.supervisor_program, "probe"}, [this](const Errands::Outcome& outcome) {
    const auto said = outcome.lines.empty() ? outcome.how : outcome.lines.front();
    if (said == "yes") return;
    cannot_host_ = said;
    log_.add(fmt::format("node {} cannot have guests: {}", config_.name, said));
  });
}

void Agent::stop(std::function<void()> gone) {
  const auto end = [this] {
    say_stopping();
    if (const auto then = std::exchange(gone_, {})) then();
  };
  const bool again = static_cast<bool>(gone_);
  gone_ = std::move(gone);
  if (again || processes_.guests() == 0) return end();
  switches_.drain_until_the_end();
  exchange();  // so that nobody sends more
  log_.add("the agent is told to stop: guests are asked to leave first");
  drain_.begin(fmt::format("node {} stops", config_.name), config_.drain,
               [this, end](const std::vector<std::string>& left) {
                 for (const auto& guest : left)
                   log_.add(fmt::format("{} has not left in time and runs on", guest));
                 end();
               });
}

void Agent::say_stopping() {
  ControlMessage message;
  message.mutable_verb()->set_verb("stopping");
  processes_.say_to_all(message);
  waiters_->say_stopping();
  log_.add("the agent stops; programs run on where they are");
}

void Agent::client_came(const std::shared_ptr<control::Connection>& connection) {
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

void Agent::step() {
  meter_->step();
  strangers_.look(meter_->running(), processes_.all(), view_of(own_load_, 0));
  waiters_->look();
}

void Agent::exchange() {
  measure();
  costs_.learn(processes_.all());
  limits_.look(policies::memory_shortage(view_of(own_load_, 0), own_load_.pressure_memory()));
  peers_.send(own_load_);
  write_loads();
  if (!is_leaving()) decider_->decide(own_load_);
  ageing_.look([this](double cpu_age_s) { return decider_->guest_nice(cpu_age_s); });
}

void Agent::measure() {
  own_load_ = meter_->measure();
  own_load_.set_node(config_.name);
  own_load_.set_interval_ms(static_cast<std::uint32_t>(config_.exchange.count()));
  own_load_ = load_now();
  tell(census_of(processes_.all(), own_load_.run_queue(), own_load_.capacity()), own_load_);
}

// What was measured, with what has been switched and promised since.
protocol::Load Agent::load_now() const {
  auto load = own_load_;
  load.set_levelling(switches_.now().levelling);
  load.set_accepts_why_not(why_no_guests());
  load.set_accepts(load.accepts_why_not().empty());
  load.set_draining(switches_.now().draining);
  load.set_incoming(limits_.incoming());
  load.set_guests(processes_.guests());
  return load;
}

bool Agent::is_leaving() const { return bedtime_ && !bedtime_->why_no_guests().empty(); }

// Whether it would run sooner there, the strategy says, of those that are watched.
bool Agent::could_go() const {
  if (!switches_.now().levelling || is_leaving()) return false;
  return std::ranges::any_of(peers_.known(), [](const auto& peer) {
    const auto& load = peer.second.load;
    return load.reachable() && load.accepts() && load.levelling();
  });
}

std::string Agent::why_no_guests() const {
  const auto& name = config_.name;
  if (!cannot_host_.empty()) return cannot_host_ + " (llrunctl doctor " + name + ")";
  if (is_leaving()) return bedtime_->why_no_guests();
  if (switches_.now().draining)
    return "it is drained (llrunctl drain " + name + " --undo changes that)";
  if (!switches_.now().accepts) return "it is blocked (llrunctl accept " + name + " changes that)";
  return "";
}

std::string Agent::why_not(const protocol::Hello& newcomer) {
  if (const auto why = why_no_guests(); !why.empty())
    return fmt::format("node {} takes no guests: {}", config_.name, why);
  auto now = load_now();
  load::measure_memory(now);  // a second ago it may have been short
  const auto free = now.free_memory_bytes();
  if (free > 0 && newcomer.memory_bytes() > free)
    return fmt::format("node {} has {} free, the program needs {}", config_.name, human_bytes(free),
                       human_bytes(newcomer.memory_bytes()));
  return decider_->why_not(now, newcomer);
}

// Whoever looks for the agent finds it, whatever was done to its sockets; what is kept beside them
// is put there again.
void Agent::look_for_socket() {
  const auto addresses = config::agent_addresses(config_.name);
  if (!addresses || !server_->bind_anew(*addresses)) return;
  switches_.keep();
  log_.add("the agent listens anew: its socket was removed, or has another place now");
}

// In the best place, and in no other: a place that was the best may be there still.
void Agent::write_loads() {
  const auto file = config::loads_path(config_.name);
  std::vector<protocol::Load> loads{own_load_};
  for (const auto& [node, known] : peers_.known()) loads.push_back(known.load);
  const auto written =
      file ? agent::write_loads(*file, loads_text(loads)) : Result<>(std::unexpected(file.error()));
  if (!written && std::exchange(loads_file_works_, false))
    log_.add("the loads cannot be written for scripts: " + written.error().message());
  if (written) loads_file_works_ = true;
  remove_loads(1);
}

void Agent::remove_loads(std::size_t from) const {
  const auto files = config::files_beside_sockets(config_.name + ".loads");
  for (std::size_t i = from; i < files.size(); ++i) ::unlink(files[i].c_str());
}

}  // namespace llrun::agent
