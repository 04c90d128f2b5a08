#include "supervisor/control/agent_client.h"

#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "supervisor/config/config.h"
#include "supervisor/config/paths.h"
#include "supervisor/control/client.h"
#include "supervisor/control/connection.h"
#include "supervisor/control/start_agent.h"

namespace llrun::control {

void Reply::row(const protocol::Row& row) const {
  protocol::ControlMessage message;
  *message.mutable_row() = row;
  send_(std::move(message));
}

void Reply::answer(const protocol::Answer& answer) const {
  protocol::ControlMessage message;
  *message.mutable_answer() = answer;
  send_(std::move(message));
}

void Reply::done(std::string text, std::string json) const {
  protocol::Answer said;
  said.set_text(std::move(text));
  said.set_json(std::move(json));
  answer(said);
}

void Reply::refused(std::string words) const {
  protocol::Answer said;
  said.set_status(protocol::Answer::STATUS_REFUSED);
  said.set_text(std::move(words));
  answer(said);
}

namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstDelay{200};
constexpr milliseconds kLongestDelay{30'000};
// Who starts no agent itself looks more often: home asks a new agent for its guests.
constexpr milliseconds kLongestDelayOfGuests{3'000};
constexpr milliseconds kStoppedDelay{2'000};  // the agent was told to stop: look whether it is back
constexpr std::size_t kMaxEvents = 256;

class ReconnectingClient final : public AgentClient {
 public:
  ReconnectingClient(EventLoop& loop, Options options, Handlers handlers)
      : loop_(loop), options_(std::move(options)), handlers_(std::move(handlers)) {}

  ~ReconnectingClient() override {
    loop_.cancel(retry_);
    stop_waiting_for_agent();
    if (connection_) connection_->flush(std::chrono::seconds(1));
  }

  void begin() { connect(); }
  void report(protocol::ProcessReport report) override;
  void event(std::string kind, std::string text) override;
  void finished(std::string how) override;
  [[nodiscard]] bool connected() const override { return connection_ != nullptr; }
  [[nodiscard]] const std::string& node() const override { return options_.node; }

 private:
  void connect();
  [[nodiscard]] Result<Fd> reach() const;
  void use(Fd socket);
  void start();
  void agent_started();
  void stop_waiting_for_agent();
  void lost(const std::string& why);
  void try_again(const std::string& why);
  void register_again();
  [[nodiscard]] milliseconds longest_delay() const {
    return options_.start_agent ? kLongestDelay : kLongestDelayOfGuests;
  }
  void received(const protocol::ControlMessage& message, std::vector<Fd> fds);
  void dispatch(const protocol::ControlMessage& message, std::vector<Fd> fds, const Reply& reply);
  Reply reply_to(std::uint64_t id);

  EventLoop& loop_;
  Options options_;
  Handlers handlers_;
  std::shared_ptr<Connection> connection_;
  std::optional<StartingAgent> starting_;
  EventLoop::TimerId retry_ = 0;
  milliseconds delay_ = kFirstDelay;
  bool stopped_by_hand_ = false;
  std::string last_why_not_;
  std::optional<protocol::ProcessReport> last_report_;
  std::deque<protocol::ControlMessage> events_;  // that no agent has heard yet
};

// Looked for anew each time: the directories of sockets come and go.
Result<Fd> ReconnectingClient::reach() const {
  return options_.socket.empty() ? connect_to_agent(options_.node) : connect_to(options_.socket);
}

void ReconnectingClient::connect() {
  if (auto socket = reach()) return use(std::move(*socket));
  if (options_.start_agent && !stopped_by_hand_) return start();
  try_again("no agent runs on " + options_.node);
}

void ReconnectingClient::use(Fd socket) {
  auto connection = Connection::create(loop_, std::move(socket));
  if (!connection) return try_again(connection.error().message());
  connection_ = std::move(*connection);
  connection_->listen([this](const auto& message, auto fds) { received(message, std::move(fds)); },
                      [this](const std::string& why) { lost(why); });
  delay_ = kFirstDelay;
  stopped_by_hand_ = false;
  last_why_not_.clear();
  register_again();
  if (handlers_.connected) handlers_.connected(true, "");
}

void ReconnectingClient::start() {
  auto starting = start_agent({options_.llrund, options_.node});
  if (!starting) return try_again(starting.error().message());
  starting_ = std::move(*starting);
  const auto watched =
      loop_.watch(starting_->ready.get(), EPOLLIN, [this](std::uint32_t) { agent_started(); });
  if (!watched) try_again(watched.error().message());
}

void ReconnectingClient::agent_started() {
  loop_.unwatch(starting_->ready.get());
  const auto outcome = std::exchange(starting_, std::nullopt)->outcome();
  if (!outcome) return try_again(outcome.error().message());
  auto socket = reach();
  if (!socket) return try_again(socket.error().message());
  use(std::move(*socket));
}

void ReconnectingClient::stop_waiting_for_agent() {
  if (!starting_) return;
  loop_.unwatch(starting_->ready.get());
  starting_.reset();
}

void ReconnectingClient::lost(const std::string& why) {
  connection_.reset();
  if (handlers_.connected) handlers_.connected(false, "the agent has gone: " + why);
  last_why_not_ = why;
  if (stopped_by_hand_) return try_again(why);
  connect();
}

void ReconnectingClient::try_again(const std::string& why) {
  stop_waiting_for_agent();
  if (why != last_why_not_ && handlers_.connected) handlers_.connected(false, why);
  last_why_not_ = why;
  const auto wait = stopped_by_hand_ ? kStoppedDelay
                                     : std::exchange(delay_, std::min(delay_ * 2, longest_delay()));
  retry_ = loop_.after(wait, [this] { connect(); });
}

void ReconnectingClient::register_again() {
  if (last_report_) {
    protocol::ControlMessage message;
    *message.mutable_register_supervisor()->mutable_first() = *last_report_;
    connection_->send(message);
  }
  for (const auto& event : events_) connection_->send(event);
  events_.clear();
}

void ReconnectingClient::report(protocol::ProcessReport report) {
  const bool first = !last_report_;
  last_report_ = std::move(report);
  if (!connection_) return;
  if (first) return register_again();
  protocol::ControlMessage message;
  *message.mutable_report() = *last_report_;
  connection_->send(message);
}

void ReconnectingClient::event(std::string kind, std::string text) {
  protocol::ControlMessage message;
  auto* event = message.mutable_event();
  event->set_kind(std::move(kind));
  event->set_text(std::move(text));
  event->set_pid(last_report_ ? last_report_->pid() : 0);
  if (connection_) return connection_->send(message);
  events_.push_back(std::move(message));
  if (events_.size() > kMaxEvents) events_.pop_front();
}

void ReconnectingClient::finished(std::string how) {
  protocol::ControlMessage message;
  message.mutable_finished()->set_pid(last_report_ ? last_report_->pid() : 0);
  message.mutable_finished()->set_how(std::move(how));
  if (connection_) connection_->send(message);
}

Reply ReconnectingClient::reply_to(std::uint64_t id) {
  return Reply([weak = std::weak_ptr(connection_), id](protocol::ControlMessage message) {
    const auto connection = weak.lock();
    message.set_id(id);
    if (connection) connection->send(message);
  });
}

void ReconnectingClient::received(const protocol::ControlMessage& message, std::vector<Fd> fds) {
  if (message.has_verb() && message.verb().verb() == "stopping") {
    stopped_by_hand_ = true;
    return;
  }
  dispatch(message, std::move(fds), reply_to(message.id()));
}

template <typename Handler, typename Question>
void hand_over(const Handler& handler, const Question& question, const Reply& reply) {
  if (handler) return handler(question, reply);
  reply.refused(
      "this process's supervisor cannot do that: it is busy with something else or too old");
}

void ReconnectingClient::dispatch(const protocol::ControlMessage& message, std::vector<Fd> fds,
                                  const Reply& reply) {
  using Message = protocol::ControlMessage;
  switch (message.body_case()) {
    case Message::kMigrate:
      return hand_over(handlers_.migrate, message.migrate(), reply);
    case Message::kComeHome:
      return hand_over(handlers_.come_home, message.come_home(), reply);
    case Message::kWhy:
      return hand_over(handlers_.why, message.why(), reply);
    case Message::kStack:
      return hand_over(handlers_.stack, message.stack(), reply);
    case Message::kPinByHand:
      return hand_over(handlers_.pin_by_hand, message.pin_by_hand(), reply);
    case Message::kFiles:
      return hand_over(handlers_.files, message.files(), reply);
    case Message::kForget:
      return hand_over(handlers_.forget, message.forget(), reply);
    case Message::kHomeSays:
      return hand_over(handlers_.home_says, message.home_says(), reply);
    case Message::kStandBack:
      return hand_over(handlers_.stand_back, message.stand_back(), reply);
    case Message::kGiveChannel:
      if (!handlers_.give_channel || fds.size() != 3)
        return reply.refused("this process's supervisor does not wait for a channel");
      return handlers_.give_channel(
          {message.give_channel().hello(), std::move(fds[0]), std::move(fds[1]), std::move(fds[2])},
          reply);
    default:
      return;  // answers to what we never asked, and what newer agents may send
  }
}

}  // namespace

Result<std::unique_ptr<AgentClient>> AgentClient::create(EventLoop& loop, Options options,
                                                         Handlers handlers) {
  if (options.node.empty()) {
    LLRUN_TRY_ASSIGN(const auto config, config::load());
    options.node = config.name;
  }
  if (options.socket.empty()) LLRUN_TRY(config::agent_addresses(options.node));
  auto client = std::make_unique<ReconnectingClient>(loop, std::move(options), std::move(handlers));
  client->begin();
  return client;
}

}  // namespace llrun::control
