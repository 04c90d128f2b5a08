#include "supervisor/agent/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervisor/agent/traits.h"

namespace llrun::agent {
namespace {

protocol::Load not_heard_yet(const std::string& node) {
  protocol::Load load;
  load.set_node(node);
  load.set_unreachable_why("its command has just been started; ask again");
  return load;
}

EventLoop::Clock::duration silent_after(const protocol::Load& load) {
  const double interval_ms = load.interval_ms() > 0 ? load.interval_ms() : 1000;
  return std::chrono::milliseconds(static_cast<int>(interval_ms * Peers::kSilentAfter));
}

}  // namespace

Peers::Peers(EventLoop& loop, const config::Config& config, EventLog& log, OnVerb on_verb,
             Bandwidth bandwidth, Speed speed, OnHolding on_holding)
    : loop_(loop),
      name_(config.name),
      log_(log),
      on_verb_(std::move(on_verb)),
      bandwidth_(std::move(bandwidth)),
      speed_(std::move(speed)),
      on_holding_(std::move(on_holding)) {
  for (const auto& peer : config.nodes) {
    known_[peer.name] = {.load = not_heard_yet(peer.name), .awaited = true};
    const auto node = peer.name;
    peers_.push_back(std::make_unique<Peer>(
        loop, peer,
        Peer::Handlers{[this] { return own_hello(name_, protocol::Hello::PURPOSE_AGENT); },
                       [this, node](auto load, double rtt) {
                         heard(node, std::move(load), rtt, Channel::kOwn);
                       },
                       [this, node](const std::string& why) { lost(node, why); }, on_holding_}));
  }
}

void Peers::connect() {
  for (const auto& peer : peers_) peer->connect();
}

std::string Peers::why_not(const protocol::Hello& hello) {
  const auto& node = hello.node();
  if (node == name_)
    return fmt::format(
        "this node calls itself {}, too: set another name in llrun.conf of one of them", node);
  const auto channels = std::ranges::count(incoming_, node, &Incoming::node);
  if (channels >= kMostChannelsOfOne || incoming_.size() >= kMostChannels)
    return fmt::format("node {} has {} channels from other agents, {} of them from {}", name_,
                       incoming_.size(), channels, node);
  if (known_.contains(node) || known_.size() < kMostNodes || forget_one()) return "";
  return fmt::format("node {} knows {} nodes already", name_, known_.size());
}

// One that has gone and is not in [nodes]: of these only what they said of themselves is known.
bool Peers::forget_one() {
  return std::erase_if(known_, [&, done = false](const auto& entry) mutable {
           const auto& [node, known] = entry;
           const bool gone = !known.load.reachable() && command(node) == nullptr &&
                             std::ranges::count(incoming_, node, &Incoming::node) == 0;
           return gone && !std::exchange(done, true);
         }) > 0;
}

void Peers::adopt(const protocol::Hello& hello, ChannelEnds ends) {
  incoming_.push_back({hello.node(), nullptr});
  const auto entry = std::prev(incoming_.end());
  auto link = AgentLink::open(loop_, std::move(ends),
                              {[](const auto&) {},
                               [this, entry](auto load, double rtt) {
                                 heard(entry->node, std::move(load), rtt, Channel::kOpenedByIt);
                               },
                               [this, entry](const std::string& why) {
                                 const auto node = entry->node;
                                 incoming_.erase(entry);
                                 // Where we have a channel of our own, that one says whether the
                                 // node can be reached.
                                 if (command(node) == nullptr) lost(node, why);
                               },
                               on_verb_, on_holding_});
  if (!link) return void(incoming_.erase(entry));
  entry->link = std::move(*link);
  entry->link->send(own_hello(name_, protocol::Hello::PURPOSE_AGENT));
  log_.add(fmt::format("node {} has opened a channel to us", hello.node()));
}

void Peers::send(const protocol::Load& own) {
  for (const auto& peer : peers_) peer->send(own);
  for (const auto& incoming : incoming_) incoming.link->send(own);
}

void Peers::heard(const std::string& node, protocol::Load load, double rtt_us, Channel over) {
  auto& known = known_[node];
  const auto now = Clock::now();
  if (over == Channel::kOwn)
    known.heard_there_at = now;
  else if (command(node) != nullptr && now - known.heard_there_at <= silent_after(known.load))
    return;
  if (!known.load.reachable()) log_.add(fmt::format("node {} is reachable", node));
  load.set_node(node);
  load.set_reachable(true);
  load.set_rtt_us(rtt_us == 0 ? known.load.rtt_us() : rtt_us);
  load.set_bandwidth(bandwidth_(node));
  load.set_speed(speed_(load));
  known.load = std::move(load);
  known.heard_at = now;
  known.awaited = false;
}

void Peers::lost(const std::string& node, const std::string& why) {
  known_[node].awaited = false;
  auto& load = known_[node].load;
  if (load.reachable() || load.unreachable_why() != why)
    log_.add(fmt::format("node {} is unreachable: {}", node, why));
  load.set_node(node);
  load.set_reachable(false);
  load.set_unreachable_why(why);
}

void Peers::look_for_silence() {
  const auto now = Clock::now();
  for (auto& [node, known] : known_)
    if (known.load.reachable() && now - known.heard_at > silent_after(known.load)) {
      const std::chrono::duration<double> silence = now - known.heard_at;
      lost(node, fmt::format("it has fallen silent ({:.1f} s)", silence.count()));
    }
  for (const auto& peer : peers_) {
    const auto& known = known_[peer->config().name];
    // What was heard before belongs to an earlier channel: this one has its own time to be silent.
    const auto since = std::max(known.heard_at, peer->open_since());
    if (now - since > std::max<Clock::duration>(kGivenUp, 2 * silent_after(known.load)))
      peer->drop("it has been silent for 10 seconds");
  }
}

bool Peers::awaited() const {
  return Clock::now() - since_ < kFirstWord &&
         std::ranges::any_of(known_, [](const auto& entry) { return entry.second.awaited; });
}

const Peer* Peers::find(const std::string& node) const {
  const auto found =
      std::ranges::find_if(peers_, [&](const auto& peer) { return peer->config().name == node; });
  return found == peers_.end() ? nullptr : found->get();
}

const std::vector<std::string>* Peers::command(const std::string& node) const {
  const auto* peer = find(node);
  return peer == nullptr ? nullptr : &peer->config().command;
}

const protocol::Hello* Peers::hello(const std::string& node) const {
  const auto* peer = find(node);
  return peer == nullptr ? nullptr : peer->hello();
}

// Over every channel to or from a node of that name: who answers says who he is.
void Peers::ask(const std::string& node, const protocol::HoldingQuestion& question,
                const AgentLink::OnHolding& on_holding) {
  for (const auto& peer : peers_)
    if (peer->config().name == node) peer->ask(question, on_holding);
  for (const auto& incoming : incoming_)
    if (incoming.node == node) incoming.link->ask(question, on_holding);
}

void Peers::ask(const std::string& node, const protocol::AgentVerb& verb,
                const control::Reply& reply) {
  for (const auto& peer : peers_)
    if (peer->config().name == node && peer->ask(verb, reply)) return;
  const auto known = known_.find(node);
  protocol::Answer answer;
  answer.set_status(protocol::Answer::STATUS_UNREACHABLE);
  answer.set_text(
      command(node) == nullptr || known == known_.end()
          ? fmt::format("there is no node {}: name it in [nodes] of llrun.conf; llrunctl nodes "
                        "lists those known",
                        node)
          : fmt::format("node {} cannot be reached: {}", node,
                        known->second.load.unreachable_why()));
  reply.answer(answer);
}

}  // namespace llrun::agent
