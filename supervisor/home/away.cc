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
#include "supervisor/holding/word.h"
#include "supervisor/home/journey.h"
#include "supervisor/job/greeting.h"
#include "tracer/procfs/credentials.h"
#include "tracer/procfs/lineage.h"
#include "tracer/remote/remote_fd.h"

namespace llrun {
namespace {

using migration::HomeEvent;
using migration::HomeState;

// What home allows a lease to be late for clock drift and pauses before it takes back a program.
constexpr auto kLeaseMargin = std::chrono::seconds(3);
constexpr auto kParentPeriod = std::chrono::seconds(1);
constexpr auto kEndAgain = std::chrono::seconds(5);
// How long a shadow that gets no processor keeps the news of its parent's end waiting.
constexpr auto kSignalsFirst = std::chrono::seconds(5);
constexpr auto kSignalsPeriod = std::chrono::milliseconds(2);

bool is_about_to_take_signals(HostPid shadow) {
  const auto status = tracer::read_credentials(shadow);
  return status && (status->pending_signals & ~status->blocked_signals) != 0;
}

std::string describe_end(const tracer::StopKind& end) {
  if (const auto* exited = std::get_if<tracer::Exited>(&end))
    return fmt::format("exited with status {}", exited->status);
  if (const auto* killed = std::get_if<tracer::Killed>(&end))
    return fmt::format("was ended by signal {} ({})", killed->signal, ::strsignal(killed->signal));
  return "ended";
}

}  // namespace

// What is not kept has been told, or would have been refused to its sender (EAGAIN) by a kernel
// with as many pending.
void Journey::on_signal(const siginfo_t& info, GuestTid tid) {
  const auto& link = traffic_->link();
  const auto added = relayed_.add(info, tid, link.connected() && !link.full());
  if (added == RelayedSignals::Added::kTooMany)
    log::error("signal {} for the program is dropped: as many as may be pending wait for {}",
               info.si_signo, plan_.node);
  if (added != RelayedSignals::Added::kYes) return;
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
  if (!exited.reason().empty())
    callbacks_.progress(fmt::format("{} has ended it: {}", plan_.node, exited.reason()));
  traffic_->when_drained([this, status = exited.wait_status()] { end_shadow(status); });
}

// An end that cannot be made just now is made later: until then its parent waits, and is told
// nothing that is wrong.
void Journey::end_shadow(int wait_status) {
  if (!shadow_ || shadow_->has_ended()) return;
  const auto ended = shadow_->end_like_guest(wait_status);
  if (!ended && ended.error().code != ErrorCode::kGone) {
    log::error("the shadow could not be ended: {}", ended.error().message());
    callbacks_.progress(fmt::format("it has ended on {}, and cannot be ended here yet: {}",
                                    plan_.node, ended.error().message()));
    loop_.after(kEndAgain, [this, wait_status, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) end_shadow(wait_status);
    });
    return;
  }
  protocol::JobMessage message;
  message.mutable_exited_seen();
  traffic_->link().send(message);
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
// the pidfd says so (kernel/exit.c, exit_notify), and has sent it the signal that the program wants
// then. That goes ahead of the news, as the program would see both at once.
void Journey::watch_parent() { look_at_parent(EventLoop::Clock::now() + kSignalsFirst); }

void Journey::look_at_parent(EventLoop::Clock::time_point patient_until) {
  forget_parent();
  const auto own = tracer::read_lineage(options_.pid);
  if (!own || !shadow_ || state_ == HomeState::kEnded) return;
  if (own->parent != told_parent_) {
    if (is_about_to_take_signals(options_.pid) && EventLoop::Clock::now() < patient_until)
      return void(loop_.after(kSignalsPeriod, [this, patient_until, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) look_at_parent(patient_until);
      }));
    on_sigchld();  // hands on what the shadow has taken
    if (state_ == HomeState::kEnded) return;
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
  if (auto watched = loop_.watch(parent_.get(), EPOLLIN, [this](std::uint32_t) { watch_parent(); });
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
    watch_absence();
  });
}

// Only a guest that has not been told it is the program ends by home's clock; else home waits for
// as long as its user wants.
void Journey::watch_absence() {
  const auto length = absence_.length();
  if (state_ == HomeState::kConfirming && !told_ && length > confirm_time() + kLeaseMargin)
    return take_back(HomeEvent::kAbandoned, fmt::format("{} {}, and has ended its guest by now",
                                                        plan_.node, absence_.in_words()));
  if (may_be_away() && options_.lost_after.count() > 0 && length > options_.lost_after)
    give_up_on_node(HomeEvent::kForgotten,
                    fmt::format("{} {}: lost-after is over", plan_.node, absence_.in_words()));
}

bool Journey::may_be_away() const {
  return state_ == HomeState::kAway || state_ == HomeState::kReturning ||
         (state_ == HomeState::kConfirming && told_);
}

// Longer than the lease, at which such a guest has been stopped.
std::chrono::milliseconds Journey::confirm_time() const {
  return std::max(options_.confirm, options_.lease);
}

void Journey::on_lost(const Error& error) {
  if (state_ == HomeState::kHome || state_ == HomeState::kEnded) return;  // over, and closed by us
  absence_.begin("the link is lost: " + error.message());
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
  auto started = start_thread([this, ours, command = plan_.command, alive = std::weak_ptr(alive_)] {
    auto reached = std::make_shared<Result<PeerConnection>>(reach_peer(command, ours));
    loop_.post([this, alive, reached] {
      if (!alive.expired()) on_reconnected(std::move(*reached));
    });
  });
  if (started) return;
  reconnecting_ = false;
  not_reached(started.error().message());
}

void Journey::on_reconnected(Result<PeerConnection> reached) {
  reconnecting_ = false;
  if (state_ == HomeState::kEnded || state_ == HomeState::kHome) return;
  if (!reached) return not_reached(reached.error().message());
  if (reached->holding) return on_holding(*reached->holding);
  if (const auto why = not_its_guest(reached->hello); !why.empty()) return not_reached(why);
  channel_process_ = std::move(reached->process);
  if (auto connected = traffic_->connect(channel_process_->take_in(), channel_process_->take_out());
      !connected)
    return on_lost(connected.error());
  absence_.end();
  callbacks_.progress(fmt::format("the link to {} is back", plan_.node));
}

// Whoever answers with a Hello may still be somebody else, who would take this channel for another.
std::string Journey::not_its_guest(const protocol::Hello& hello) const {
  if (hello.job() != plan_.job || hello.epoch() != plan_.epoch ||
      hello.origin().identity() != peer_.origin().identity())
    return "another agent answers there than the one that the program went to";
  return "";
}

// A refusal, a failure, a stranger or nobody: whatever it was, nothing is known of the program.
void Journey::not_reached(const std::string& why) {
  log::info("{} is not reached: {}", plan_.node, why);
  if (absence_.note(why))
    callbacks_.progress(
        fmt::format("{} is not reached ({}): the program is waited for", plan_.node, why));
  loop_.after(absence_.next_pause(), [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && absence_.lasts()) reconnect();
  });
}

// Before Away nothing the guest did has been carried out, so the program resumes here when it is no
// more there; afterwards it is lost with it.
void Journey::on_holding(const protocol::Holding& said) {
  const auto weighed = holding::weigh(peer_.origin(), said);
  if (weighed.word != holding::Word::kNotHeld) return not_reached(weighed.text);
  if (state_ == HomeState::kConfirming) return take_back(HomeEvent::kNotHeard, weighed.text);
  give_up_on_node(HomeEvent::kNotHeld,
                  fmt::format("{} no longer has the program: {}", plan_.node, weighed.text));
}

void Journey::take_back(HomeEvent event, const std::string& why) {
  const std::string state(migration::name(state_));
  if (!advance(event)) return;
  traffic_->drop_effects();
  resume_at_home(fmt::format("moving to {} failed in {}: {}", plan_.node, state, why));
}

void Journey::give_up_on_node(HomeEvent event, const std::string& why) {
  if (advance(event)) lose(why);
}

Result<> Journey::forget() {
  if (state_ == HomeState::kConfirming && !told_)
    return failure(ErrorCode::kRefused,
                   "it is on its way, and is resumed here by itself if it does not arrive");
  if (!may_be_away())
    return failure(ErrorCode::kRefused, "it has not left yet: llrunctl home calls its move off");
  if (!absence_.lasts())
    return failure(ErrorCode::kRefused,
                   fmt::format("{} is reached, and the program runs there: llrunctl home {} brings "
                               "it back, kill {} ends it",
                               plan_.node, options_.pid.value, options_.pid.value));
  give_up_on_node(HomeEvent::kForgotten,
                  fmt::format("{} {}, and was given up by hand", plan_.node, absence_.in_words()));
  return {};
}

void Journey::lose(const std::string& why) {
  if (state_ != HomeState::kEnded && !advance(HomeEvent::kEnded)) return;
  callbacks_.progress(why + ": the program is lost with it, and ends by SIGKILL");
  if (::kill(options_.pid.value, SIGKILL) != 0 && errno != ESRCH)
    log::error("the shadow could not be killed: {}", system_error("kill").error().message());
  finish_ended("was lost: " + why);
}

}  // namespace llrun
