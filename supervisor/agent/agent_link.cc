#include "supervisor/agent/agent_link.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "supervisor/agent/heard.h"
#include "supervisor/clock/readings.h"
#include "supervisor/holding/word.h"

namespace llrun::agent {
namespace {

constexpr std::size_t kMostHoldingQuestions = 1000;
// What the other has asked for and does not read.
constexpr std::size_t kMostUnread = 8U << 20;
// Of one answer: lines for a person.
constexpr std::size_t kMostRows = 100'000;
constexpr std::size_t kMostRowBytes = 16U << 20;

template <typename Message>
bool parse(Message& message, std::span<const std::byte> payload) {
  return message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

}  // namespace

Result<std::unique_ptr<AgentLink>> AgentLink::open(EventLoop& loop, ChannelEnds ends,
                                                   Handlers handlers) {
  std::unique_ptr<AgentLink> link(new AgentLink(std::move(handlers)));
  link->lifeline_ = std::move(ends.lifeline);
  auto* raw = link.get();
  ChannelCallbacks callbacks{
      [raw](const auto& header, auto payload) { raw->on_frame(header, payload); },
      [raw](const Error& error) {
        const auto closed = raw->handlers_.closed;  // it may destroy the link
        raw->heard_nonsense_ = error.code == ErrorCode::kProtocol;
        closed(error.message());
      }};
  LLRUN_TRY_ASSIGN(link->channel_, Channel::open(loop, std::move(ends.in), std::move(ends.out),
                                                 std::move(callbacks)));
  return link;
}

void AgentLink::on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload) {
  using wire::FrameType;
  const auto handlers = handlers_;  // they may destroy the link
  if (channel_->queued_bytes() > kMostUnread)
    return handlers.closed("the other agent asks and does not read what it is told");
  if (header.type == FrameType::kRefusal)
    return handlers.closed("refused: " + std::string(text_of(payload.first(
                                             std::min<std::size_t>(payload.size(), 1000)))));
  if (protocol::Hello hello; header.type == FrameType::kHello && parse(hello, payload))
    return handlers.hello(hello);
  if (protocol::AgentMessage message; header.type == FrameType::kAgent && parse(message, payload))
    return on_message(message);
  handlers.closed("the other agent sent what is not for agents: is it llrun of the same version?");
}

void AgentLink::on_message(const protocol::AgentMessage& message) {
  if (message.ping() != 0) {
    protocol::AgentMessage echo;
    echo.set_pong(message.ping());
    *echo.mutable_received() = told(read_clocks());
    *echo.mutable_answered() = told(read_clocks());
    send(echo);
  }
  if (message.pong() != 0) on_pong(message);
  if (message.has_verb()) on_verb(message.verb());
  if (message.has_holding_question()) on_holding_question(message.holding_question());
  if (message.has_holding_answer()) return on_holding_answer(message.holding_answer());
  if (message.has_answer()) return on_answer(message.answer());
  if (message.has_load()) on_load(message.load());
}

void AgentLink::on_pong(const protocol::AgentMessage& message) {
  const auto delay_ns = clocks_.heard(message.pong(), heard(message.received()),
                                      heard(message.answered()), read_clocks());
  if (!delay_ns) return;
  const auto sample = std::max(static_cast<double>(*delay_ns) / 1000, 1.0);
  // The least of what was seen lately: the rest is waiting for a core at either end.
  rtt_us_ = rtt_us_ == 0 ? sample : std::min(sample, rtt_us_ * 1.1);
}

void AgentLink::on_load(const protocol::Load& load) {
  handlers_.load(heard_load(load, clocks_.estimate()), rtt_us_);
}

void AgentLink::on_holding_question(const protocol::HoldingQuestion& question) {
  if (!handlers_.holding) return;
  protocol::AgentMessage message;
  message.mutable_holding_answer()->set_id(question.id());
  *message.mutable_holding_answer()->mutable_holding() = handlers_.holding(question);
  send(message);
}

void AgentLink::on_holding_answer(const protocol::HoldingAnswer& answer) {
  const auto asked = holding_questions_.extract(answer.id());
  if (!asked.empty()) asked.mapped()(holding::bounded(answer.holding()));
}

void AgentLink::ask(protocol::HoldingQuestion question, OnHolding on_holding) {
  // Asked again and again; what was not answered by now will not be.
  if (holding_questions_.size() >= kMostHoldingQuestions)
    holding_questions_.erase(holding_questions_.begin());
  question.set_id(next_question_);
  holding_questions_.emplace(next_question_++, std::move(on_holding));
  protocol::AgentMessage message;
  *message.mutable_holding_question() = std::move(question);
  send(message);
}

void AgentLink::on_verb(const protocol::RemoteVerb& question) {
  const control::Reply reply([this, alive = std::weak_ptr(alive_),
                              id = question.id()](const protocol::ControlMessage& said) {
    if (alive.expired()) return;
    protocol::AgentMessage message;
    message.mutable_answer()->set_id(id);
    if (said.has_row()) *message.mutable_answer()->mutable_row() = said.row();
    if (said.has_answer()) *message.mutable_answer()->mutable_answer() = said.answer();
    send(message);
  });
  if (handlers_.verb) return handlers_.verb(question.verb(), reply);
  reply.refused("this node takes no orders from there: name it in [nodes] of llrun.conf there");
}

void AgentLink::on_answer(const protocol::RemoteAnswer& answer) {
  const auto found = questions_.find(answer.id());
  if (found == questions_.end()) return;
  if (answer.has_row()) return take_row(answer.id(), answer.row());
  const auto reply = found->second.reply;
  questions_.erase(found);
  reply.answer(answer.answer());
}

// What a verb prints is lines. Of processes and nodes an agent tells its own user; of those here
// no other node knows better.
void AgentLink::take_row(std::uint64_t id, const protocol::Row& row) {
  auto& question = questions_.at(id);
  question.bytes += row.line().size();
  const bool sound =
      row.has_line() && ++question.rows <= kMostRows && question.bytes <= kMostRowBytes;
  const auto reply = question.reply;
  if (sound) return reply.row(row);
  questions_.erase(id);
  protocol::Answer nonsense;
  nonsense.set_status(protocol::Answer::STATUS_UNREACHABLE);
  nonsense.set_text("the node answers with what is no answer");
  reply.answer(nonsense);
}

void AgentLink::ask(const protocol::AgentVerb& verb, const control::Reply& reply) {
  protocol::AgentMessage message;
  message.mutable_verb()->set_id(next_question_);
  *message.mutable_verb()->mutable_verb() = verb;
  questions_.emplace(next_question_++, Question{reply});
  send(message);
}

AgentLink::~AgentLink() {
  protocol::Answer lost;
  lost.set_status(protocol::Answer::STATUS_UNREACHABLE);
  lost.set_text("the node was lost before it answered");
  for (const auto& [id, question] : std::exchange(questions_, {})) question.reply.answer(lost);
}

void AgentLink::send(const protocol::AgentMessage& message) {
  channel_->send(wire::FrameType::kAgent, 0, 0, message.SerializeAsString());
}

void AgentLink::send(const protocol::Hello& hello) {
  channel_->send(wire::FrameType::kHello, 0, 0, hello.SerializeAsString());
}

void AgentLink::send(const protocol::Load& load) {
  // A link that takes nothing is silent on the other side soon enough; there is no use in queueing
  // for it.
  if (channel_->queued_bytes() > (64U << 10)) return;
  protocol::AgentMessage message;
  *message.mutable_load() = load;
  message.set_ping(clocks_.ask(read_clocks()));
  send(message);
}

}  // namespace llrun::agent
