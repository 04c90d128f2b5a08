#include "supervisor/home/journey.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "base/thread.h"

namespace llrun {

using migration::HomeEvent;
using migration::HomeState;

namespace {
constexpr std::chrono::seconds kLastWords{2};
}

Journey::Journey(EventLoop& loop, const HomeOptions& options, Plan plan, Callbacks callbacks)
    : loop_(loop),
      options_(options),
      plan_(std::move(plan)),
      callbacks_(std::move(callbacks)),
      holds_(loop, hold_directory(), "home"),
      guest_resident_bytes_(plan_.memory_bytes) {}

Journey::~Journey() {
  alive_.reset();  // the worker need not go on
  if (worker_.joinable()) worker_.join();
  loop_.cancel(lease_timer_);
  forget_parent();
  traffic_.reset();
}

bool Journey::advance(HomeEvent event) {
  const auto after = migration::next(state_, event);
  if (!after) {
    log::warn("{} in state {} means nothing: ignored", migration::name(event),
              migration::name(state_));
    return false;
  }
  log::info("home {} --{}--> {} (epoch {})", migration::name(state_), migration::name(event),
            migration::name(*after), plan_.epoch);
  state_ = *after;
  return true;
}

void Journey::go_on(std::function<void()> rest) {
  holds_.pass(migration::name(state_), [this, state = state_, rest = std::move(rest)] {
    if (state_ != state) return;
    if (called_off_ && migration::resumable(state_)) return abort("being called off", *called_off_);
    rest();
  });
}

Result<> Journey::start_thread(std::function<void()> work) {
  if (worker_.joinable()) worker_.join();
  LLRUN_TRY_ASSIGN(worker_, make_thread(std::move(work)));
  return {};
}

// Of a program of several threads that is killed while we hold it, nothing is told before each of
// them has been waited for.
void Journey::on_sigchld() {
  if (shadow_) return shadow_->on_sigchld();
  if (frozen_) frozen_->thread_set().reap();
  if (parked_) parked_->reap();
}

// SIGKILL reaches a program in any state. While there is a shadow, its tracer is told by a wait
// status.
void Journey::on_died() {
  if (shadow_) return shadow_->on_died();
  if (!advance(HomeEvent::kEnded)) return;
  if (traffic_) {
    protocol::JobMessage message;
    message.mutable_kill();
    traffic_->link().send(message);
    traffic_->link().flush(std::chrono::seconds(2));
  }
  finish_ended("was ended while it moved");
}

// Before the commit it is called off at its next step; after it, the program comes home from there.
void Journey::come_home(const std::string& reason) {
  if (state_ != HomeState::kAway && state_ != HomeState::kReturning) {
    called_off_ = reason;
    return;
  }
  protocol::JobMessage message;
  message.mutable_come_home()->set_reason(reason);
  if (traffic_) traffic_->link().send(message);
}

void Journey::ask_stack(StackAnswer answer) {
  if (!traffic_ || state_ != HomeState::kAway)
    return answer(failure(ErrorCode::kRefused, "it is on its way: ask again in a moment"));
  if (absence_.lasts())
    return answer(failure(ErrorCode::kRefused, plan_.node + " " + absence_.in_words()));
  const std::uint64_t id = stack_asks_.empty() ? 1 : stack_asks_.rbegin()->first + 1;
  stack_asks_[id] = std::move(answer);
  protocol::JobMessage message;
  message.mutable_stack_wanted()->set_id(id);
  traffic_->link().send(message);
}

void Journey::on_message(const protocol::JobMessage& message) {
  if (const auto name = name_of(message); holds_.holds_back(name))
    return holds_.keep(name, [this, message] { handle(message); });
  handle(message);
}

void Journey::handle(const protocol::JobMessage& message) {
  switch (message.body_case()) {
    case protocol::JobMessage::kWorldReady:
      if (!message.world_ready().warning().empty())
        callbacks_.progress(plan_.node + ": " + message.world_ready().warning());
      return;
    case protocol::JobMessage::kEntered:
      if (const auto held = held_meanwhile()) return abort("looking once more", *held);
      if (advance(HomeEvent::kWorldReady)) go_on([this] { freeze_and_send(); });
      return;
    case protocol::JobMessage::kMapped:
      return send_pages();
    case protocol::JobMessage::kRestored:
      return on_restored();
    case protocol::JobMessage::kRunning:
      return on_running();
    case protocol::JobMessage::kConfirmed:
      return on_confirmed();
    case protocol::JobMessage::kConfirmedHeard:
      return on_confirmed_heard();
    case protocol::JobMessage::kAbort:
      // Its last word: it is gone, and has not heard GivenUp.
      if (state_ == HomeState::kCommitting || state_ == HomeState::kConfirming)
        return take_back(HomeEvent::kNotHeard, message.abort().reason());
      return abort(message.abort().step(), message.abort().reason());
    case protocol::JobMessage::kUsage:
      return on_usage(message.usage());
    case protocol::JobMessage::kPutOff:
      if (!message.put_off().reason().empty() && message.put_off().reason() != put_off_)
        callbacks_.progress("cannot come home yet: " + message.put_off().reason());
      put_off_ = message.put_off().reason();
      return;
    case protocol::JobMessage::kHomeImage:
      return on_home_image(message.home_image());
    case protocol::JobMessage::kPagesEnd:
      return on_home_pages_end(message.pages_end());
    case protocol::JobMessage::kStackTrace: {
      const auto asked = stack_asks_.extract(message.stack_trace().id());
      if (!asked.empty()) asked.mapped()(stacks_of(message.stack_trace()));
      return;
    }
    default:
      carry_out(message);
  }
}

// Effects of the guest. Those that come between Running and Confirmed are kept by HomeTraffic, so
// what comes earlier is of a guest that was never let go and has ended over there.
void Journey::carry_out(const protocol::JobMessage& message) {
  if (!migration::effects_flow(state_) || !shadow_) {
    log::info("a message of a guest that does not run ({}): ignored", name_of(message));
    return;
  }
  switch (message.body_case()) {
    case protocol::JobMessage::kHomeCall:
      return shadow_->start_call(message.home_call());
    case protocol::JobMessage::kCancelHomeCall:
      return shadow_->cancel_call(message.cancel_home_call().id());
    case protocol::JobMessage::kThreadWanted:
      return on_thread_wanted(message.thread_wanted());
    case protocol::JobMessage::kThreadEnded:
      return shadow_->end_thread(HostTid{message.thread_ended().tid()});
    case protocol::JobMessage::kGroupStopped:
      return shadow_->stop_like_guest(message.group_stopped().signal());
    case protocol::JobMessage::kStreamClosed:
      return on_stream_closed(message.stream_closed());
    case protocol::JobMessage::kExited:
      return on_exited(message.exited());
    default:
      log::warn("a message that home does not expect ({})", name_of(message));
  }
}

// The last words are in the pipe to the peer's command, no further: it ends by itself when they
// have been heard over there. Killed earlier, it would take them along, and the peer would wait for
// home.
void Journey::end_channel() {
  if (!channel_process_) return;
  if (const auto ended = channel_process_->wait(kLastWords); !ended)
    log::info("the command to {} does not end by itself", plan_.node);
  channel_process_->end();
}

void Journey::finish_home(const std::string& why, bool by_call) {
  loop_.cancel(lease_timer_);
  forget_parent();
  if (traffic_) traffic_->disconnect();
  end_channel();
  callbacks_.home(why, by_call);
}

void Journey::finish_ended(const std::string& how) {
  loop_.cancel(lease_timer_);
  forget_parent();
  if (traffic_) traffic_->disconnect();
  end_channel();
  callbacks_.ended(how);
}

}  // namespace llrun
