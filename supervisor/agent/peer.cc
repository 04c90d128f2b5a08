#include "supervisor/agent/peer.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "supervisor/agent/traits.h"

namespace llrun::agent {

Peer::Peer(EventLoop& loop, config::Peer config, Handlers handlers)
    : loop_(loop), config_(std::move(config)), handlers_(std::move(handlers)) {}

Peer::~Peer() {
  loop_.cancel(timer_);
  if (complaints_.valid()) loop_.unwatch(complaints_.get());
}

void Peer::connect() {
  timer_ = 0;
  if (const auto opened = open(); !opened) return end(opened.error().message());
  timer_ = loop_.after(kPatience, [this] { end("no answer in 20 seconds"); });
}

Result<> Peer::open() {
  LLRUN_TRY_ASSIGN(auto stderr_pipe, make_pipe());
  LLRUN_TRY(set_nonblocking(stderr_pipe.first.get(), true));
  complained_.clear();
  LLRUN_TRY_ASSIGN(process_, ChannelProcess::start(config_.command, stderr_pipe.second.get()));
  complaints_ = std::move(stderr_pipe.first);
  LLRUN_TRY(loop_.watch(complaints_.get(), EPOLLIN, [this](std::uint32_t) { read_complaints(); }));
  ChannelEnds ends{process_->take_in(), process_->take_out(), Fd()};
  LLRUN_TRY_ASSIGN(
      link_,
      AgentLink::open(loop_, std::move(ends),
                      {[this](const auto& hello) { on_hello(hello); },
                       [this](auto load, double rtt) { handlers_.load(std::move(load), rtt); },
                       [this](const std::string& why) { end(why); },
                       {},
                       handlers_.holding}));
  link_->send(handlers_.own_hello());
  return {};
}

void Peer::on_hello(const protocol::Hello& hello) {
  if (hello.version() != kProtocolVersion)
    return end("it speaks version " + std::to_string(hello.version()) +
               " of the protocol, we speak " + std::to_string(kProtocolVersion) +
               ": install the same llrun on both");
  if (hello.node() != config_.name)
    return end("its command reaches a node that calls itself " + hello.node().substr(0, 64) +
               ": correct [nodes] in llrun.conf, or name = " + config_.name + " there");
  greeted_ = true;
  open_since_ = EventLoop::Clock::now();
  hello_ = hello;
  delay_ = kFirstDelay;
  loop_.cancel(std::exchange(timer_, 0));
}

void Peer::send(const protocol::Load& load) {
  if (link_ && greeted_) link_->send(load);
}

bool Peer::ask(const protocol::AgentVerb& verb, const control::Reply& reply) {
  if (!link_ || !greeted_) return false;
  link_->ask(verb, reply);
  return true;
}

void Peer::ask(const protocol::HoldingQuestion& question, const AgentLink::OnHolding& on_holding) {
  if (link_ && greeted_) link_->ask(question, on_holding);
}

void Peer::drop(const std::string& why) {
  if (link_ && greeted_) end(why);
}

void Peer::read_complaints() {
  std::array<char, 1024> piece{};
  const ssize_t count = ::read(complaints_.get(), piece.data(), piece.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return loop_.unwatch(complaints_.get());
  // All is read, so that the command never waits for us; the beginning is enough to know what is
  // wrong.
  const auto room = 4096 - std::min<std::size_t>(complained_.size(), 4096);
  complained_.append(piece.data(), std::min(static_cast<std::size_t>(count), room));
}

// What the command said itself is what a person can act on; how it ended comes next.
std::string Peer::reason(const std::string& why) {
  if (link_ && link_->heard_nonsense()) return why;
  if (!greeted_ && complaints_.valid()) read_complaints();
  auto first_line = complained_.substr(0, complained_.find_first_of("\r\n"));
  if (!greeted_ && !first_line.empty()) return first_line;
  if (greeted_ || !process_) return why;
  const auto ended = process_->wait(std::chrono::milliseconds(100));
  return ended ? "its command " + *ended : why;
}

void Peer::end(const std::string& why) {
  const auto words = reason(why);
  loop_.cancel(timer_);
  if (complaints_.valid()) loop_.unwatch(complaints_.get());
  link_.reset();
  process_.reset();
  complaints_.reset();
  greeted_ = false;
  open_since_ = {};
  timer_ = loop_.after(delay_, [this] { connect(); });
  delay_ = std::min<std::chrono::milliseconds>(delay_ * 2, kLongestDelay);
  handlers_.unreachable(words);
}

}  // namespace llrun::agent
