// Journey, the part while the program is away: its shadow's life, the lease, broken links.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "supervisor/home/journey.h"
#include "supervisor/job/greeting.h"
#include "tracer/procfs/lineage.h"
#include "tracer/remote/remote_fd.h"

namespace llrun {
namespace {

using migration::HomeEvent;
using migration::HomeState;

// What home allows a lease to be late for clock drift and pauses before it takes back a program.
constexpr auto kLeaseMargin = std::chrono::seconds(3);
constexpr auto kParentPeriod = std::chrono::seconds(1);
// Between tries to reach a peer again: doubled from one to the next.
constexpr std::chrono::milliseconds kFirstReconnectPause{500};
constexpr std::chrono::milliseconds kLongestReconnectPause{4000};
// An agent that has just been started learns of the guests here within this time.
constexpr auto kAgentMayBeNew = std::chrono::seconds(10);

std::string describe_end(const tracer::StopKind& end) {
  if (const auto* exited = std::get_if<tracer::Exited>(&end))
    return fmt::format("exited with status {}", exited->status);
  if (const auto* killed = std::get_if<tracer::Killed>(&end))
    return fmt::format("was ended by signal {} ({})", killed->signal, ::strsignal(killed->signal));
  return "ended";
}

}  // namespace

void Journey::on_signal(const siginfo_t& info, GuestTid tid) {
  relayed_.add(info, tid);
  protocol::JobMessage message;
  message.mutable_deliver_signal()->set_siginfo(std::string(text_of(bytes_of(info))));
  message.mutable_deliver_signal()->set_tid(tid.value);
  traffic_->link().send(message);
}

void Journey::on_thread_wanted(const protocol::ThreadWanted& wanted) {
  protocol::JobMessage message;
  auto& made = *message.mutable_thread_made();
  made.set_creator(wanted.creator());
  auto thread = shadow_->new_thread();
  if (thread) {
    made.set_tid(thread->value);
  } else {
    made.set_errno_value(thread.error().errno_value != 0 ? thread.error().errno_value : EAGAIN);
    log::warn("no thread could be made at home: {}", thread.error().message());
  }
  traffic_->link().send(message);
}

// The guest has closed its last descriptor of something of home's: others must see the end of file,
// or of readers.
void Journey::on_stream_closed(const protocol::StreamsClosed& closed) {
  const auto stream = closed.stream();
  traffic_->when_drained([this, stream] {
    traffic_->remove_stream(stream);
    streams_.erase(stream);
    if (!shadow_) return;  // at home again meanwhile
    for (const int number : fds_of_stream(stream))
      if (auto shut = shadow_->close_fd(number); !shut)
        log::warn("descriptor {} stays open at home: {}", number, shut.error().message());
  });
}

void Journey::on_usage(const protocol::Usage& usage) {
  guest_cpu_ms_ = usage.cpu_us() / 1000;
  guest_resident_bytes_ = usage.resident_bytes();
  relayed_.heard(usage.signals());
  home_calls_rate_ =
      static_cast<double>(usage.home_calls() - std::min(usage.home_calls(), home_calls_before_));
  home_calls_before_ = usage.home_calls();
}

// Every byte is written before the parent can see the end.
void Journey::on_exited(const protocol::Exited& exited) {
  traffic_->when_drained([this, status = exited.wait_status()] {
    if (!shadow_ || shadow_->has_ended()) return;
    if (auto ended = shadow_->end_like_guest(status); !ended)
      log::error("the shadow could not be ended: {}", ended.error().message());
    protocol::JobMessage message;
    message.mutable_exited_seen();
    traffic_->link().send(message);
  });
}

void Journey::on_shadow_ended(const tracer::StopKind& end) {
  advance(HomeEvent::kEnded);
  protocol::JobMessage message;
  message.mutable_kill();
  traffic_->link().send(message);
  traffic_->link().flush(std::chrono::seconds(2));
  finish_ended(describe_end(end));
}

// The shadow's parent is the program's. When it ends, home's kernel finds the shadow another before
// the pidfd says so (kernel/exit.c, exit_notify).
void Journey::watch_parent() {
  const auto own = tracer::read_lineage(options_.pid);
  if (!own || state_ == HomeState::kEnded) return;
  if (own->parent != told_parent_) {
    told_parent_ = own->parent;
    protocol::JobMessage message;
    message.mutable_parent_died()->set_new_parent(own->parent.value);
    traffic_->link().send(message);
  }
  if (told_parent_.value <= 1) return;
  auto pidfd = tracer::open_pidfd(told_parent_);
  if (!pidfd) {  // it has just ended
    loop_.after(kParentPeriod, [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) watch_parent();
    });
    return;
  }
  parent_ = std::move(*pidfd);
  if (auto watched = loop_.watch(parent_.get(), EPOLLIN,
                                 [this](std::uint32_t) {
                                   forget_parent();
                                   watch_parent();
                                 });
      !watched)
    log::warn("the program's parent is not watched: {}", watched.error().message());
}

void Journey::forget_parent() {
  if (!parent_.valid()) return;
  loop_.unwatch(parent_.get());
  parent_.reset();
}

void Journey::watch_lease() {
  traffic_->link().set_patience(options_.lease);
  lease_timer_ = loop_.every(std::chrono::seconds(1), [this] {
    const auto now = EventLoop::Clock::now();
    if (state_ == HomeState::kCommitting && now - committed_at_ > options_.lease + kLeaseMargin) {
      if (advance(HomeEvent::kLeaseOver))
        resume_at_home(
            fmt::format("moving to {} failed in Committing: it did not say that the program runs "
                        "there, and its "
                        "lease is over",
                        plan_.node));
      return;
    }
    if (!link_up_ && state_ != HomeState::kCommitting &&
        now - lost_at_ > options_.abandon + kLeaseMargin)
      return abandon(fmt::format("{} has been silent for the abandon time", plan_.node));
  });
}

void Journey::on_lost(const Error& error) {
  if (state_ == HomeState::kHome || state_ == HomeState::kEnded) return;  // over, and closed by us
  link_up_ = false;
  lost_at_ = EventLoop::Clock::now();
  reconnect_pause_ = kFirstReconnectPause;
  log::warn("the link to {} is lost in state {}: {}", plan_.node, migration::name(state_),
            error.message());
  if (migration::resumable(state_)) return abort("the link was lost", error.message());
  if (state_ == HomeState::kCommitting) return;          // the lease decides
  if (state_ == HomeState::kReturning) forget_return();  // the guest sends it again, whole
  callbacks_.progress(
      fmt::format("the link to {} is lost ({}); trying again", plan_.node, error.message()));
  reconnect();
}

void Journey::reconnect() {
  if (reconnecting_) return;
  reconnecting_ = true;
  protocol::Hello ours = own_hello();
  ours.set_purpose(protocol::Hello::PURPOSE_RESUME);
  start_thread([this, ours, command = plan_.command, alive = std::weak_ptr(alive_)] {
    auto reached = std::make_shared<Result<PeerConnection>>(reach_peer(command, ours));
    loop_.post([this, alive, reached] {
      if (!alive.expired()) on_reconnected(std::move(*reached));
    });
  });
}

void Journey::on_reconnected(Result<PeerConnection> reached) {
  reconnecting_ = false;
  if (state_ == HomeState::kEnded || state_ == HomeState::kHome) return;
  if (!reached) {
    log::info("{} is not reached: {}", plan_.node, reached.error().message());
    // Only a guest supervisor that exists can say that it never heard; a node without the job has
    // lost it.
    if (reached.error().code == ErrorCode::kRefused)
      return on_job_unknown(reached.error().message());
    denied_since_.reset();
    return try_again_later();
  }
  channel_process_ = std::move(reached->process);
  if (auto connected = traffic_->connect(channel_process_->take_in(), channel_process_->take_out());
      !connected)
    return on_lost(connected.error());
  link_up_ = true;
  denied_since_.reset();
  callbacks_.progress(fmt::format("the link to {} is back", plan_.node));
}

void Journey::try_again_later() {
  const auto pause =
      std::exchange(reconnect_pause_, std::min(2 * reconnect_pause_, kLongestReconnectPause));
  loop_.after(pause, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && !link_up_) reconnect();
  });
}

// The node answers and has no such guest. It is believed when it has said so for a while: an agent
// that has just been started does not know its guests yet. Before Confirmed nothing the guest did
// has been carried out, so the program resumes here, when the lease of a guest that is there after
// all is over; afterwards it is lost.
void Journey::on_job_unknown(const std::string& words) {
  const auto now = EventLoop::Clock::now();
  if (!denied_since_) denied_since_ = now;
  if (now - *denied_since_ < kAgentMayBeNew) return try_again_later();
  if (state_ != HomeState::kConfirming)
    return abandon(fmt::format("{} no longer has the program: {}", plan_.node, words));
  if (now - lost_at_ < options_.lease + kLeaseMargin) return try_again_later();
  take_back(HomeEvent::kNotHeard, words);
}

void Journey::take_back(HomeEvent event, const std::string& why) {
  const std::string state(migration::name(state_));
  if (!advance(event)) return;
  traffic_->drop_effects();
  resume_at_home(fmt::format("moving to {} failed in {}: {}", plan_.node, state, why));
}

// By now the guest has given itself up, if it ever was (docs/protocol.md). What it did before
// Confirmed has had no effect, so the program that waits here goes on; a shadow has nothing to go
// on with.
void Journey::abandon(const std::string& why) {
  if (state_ == HomeState::kConfirming) return take_back(HomeEvent::kAbandoned, why);
  if (advance(HomeEvent::kAbandoned)) lose(why);
}

void Journey::lose(const std::string& why) {
  if (state_ != HomeState::kEnded && !advance(HomeEvent::kEnded)) return;
  callbacks_.progress(why + ": the program is lost with it, and ends by SIGKILL");
  if (::kill(options_.pid.value, SIGKILL) != 0 && errno != ESRCH)
    log::error("the shadow could not be killed: {}", system_error("kill").error().message());
  finish_ended("was lost: " + why);
}

}  // namespace llrun
