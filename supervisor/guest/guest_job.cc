#include "supervisor/guest/guest_job.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/log.h"
#include "supervisor/holding/secret.h"
#include "supervisor/holding/word.h"
#include "supervisor/job/child_signals.h"
#include "supervisor/job/greeting.h"
#include "supervisor/traits/traits.h"
#include "tracer/procfs/ending.h"

namespace llrun {

using migration::GuestEvent;
using migration::GuestState;

GuestJob::GuestJob(GuestOptions options) : options_(std::move(options)) {}

// Killed first, so that nothing in the world sees its surroundings go; then nobody waits for a file
// any more.
GuestJob::~GuestJob() {
  agent_.reset();
  if (traffic_) traffic_->end_view();
  calls_.reset();
  tracee_.reset();
  world_.reset();
  traffic_.reset();
}

Result<std::unique_ptr<GuestJob>> GuestJob::create(GuestOptions options) {
  std::unique_ptr<GuestJob> job(new GuestJob(std::move(options)));
  LLRUN_TRY(job->start());
  return job;
}

Result<> GuestJob::start() {
  ::signal(SIGHUP, SIG_IGN);
  LLRUN_TRY_ASSIGN(loop_, EventLoop::create());
  holds_.emplace(*loop_, hold_directory(), "guest");
  put_off_.emplace(*loop_, [this] { try_to_leave(); });
  LLRUN_TRY_ASSIGN(child_signals_, watch_child_signals(*loop_, [this] {
                     if (tracee_) tracee_->on_sigchld();
                   }));
  LLRUN_TRY(say_hello(options_.out.get(), own_hello(protocol::Hello::PURPOSE_JOB)));
  LLRUN_TRY_ASSIGN(
      traffic_,
      GuestTraffic::create(
          *loop_, options_.hello.epoch(),
          {[this](const protocol::JobMessage& message) { on_message(message); },
           [this](std::uint64_t address, const std::string& bytes) { on_pages(address, bytes); },
           [this](const Error& error) { on_lost(error); }}));
  LLRUN_TRY(traffic_->connect(std::move(options_.in), std::move(options_.out)));
  AgentLine::Handlers handlers;
  handlers.give_channel = [this, ours = own_hello(protocol::Hello::PURPOSE_RESUME)](
                              control::GivenChannel channel, const control::Reply& reply) {
    on_given_channel(std::move(channel), ours, reply);
  };
  handlers.come_home = [this](const protocol::ComeHome& order, const control::Reply& reply) {
    if (state_ != GuestState::kSettled) return reply.refused("it cannot be sent home just now");
    ordered_home_ = true;
    put_off_->skip_pause();
    leave(order.reason().empty() ? "the owner of the node sends it home" : order.reason());
    reply.done("it is on its way home");
  };
  handlers.stand_back = [this](const protocol::StandBack& order, const control::Reply& reply) {
    on_stand_back(order, reply);
  };
  handlers.home_says = [this](const protocol::Holding& said, const control::Reply& reply) {
    on_home_says(said, reply);
  };
  LLRUN_TRY_ASSIGN(agent_, AgentLine::create(traffic_->io(), *loop_, std::move(handlers)));
  loop_->every(std::chrono::seconds(1), [this] { tick(); });
  report();
  return {};
}

protocol::Hello GuestJob::own_hello(protocol::Hello::Purpose purpose) const {
  protocol::Hello ours;
  ours.set_version(kProtocolVersion);
  ours.set_purpose(purpose);
  ours.set_job(options_.hello.job());
  ours.set_epoch(options_.hello.epoch());
  *ours.mutable_traits() = local_traits();
  *ours.mutable_origin() = options_.origin;
  return ours;
}

int GuestJob::run() {
  loop_->run();
  return 0;
}

bool GuestJob::advance(GuestEvent event) {
  const auto after = migration::next(state_, event);
  if (!after) {
    log::warn("{} in state {} means nothing: ignored", migration::name(event),
              migration::name(state_));
    return false;
  }
  log::info("guest {} --{}--> {} (epoch {})", migration::name(state_), migration::name(event),
            migration::name(*after), options_.hello.epoch());
  state_ = *after;
  return true;
}

void GuestJob::go_on(std::function<void()> rest) {
  holds_->pass(migration::name(state_), [this, state = state_, rest = std::move(rest)] {
    if (state_ == state) rest();
  });
}

void GuestJob::on_message(const protocol::JobMessage& message) {
  if (const auto name = name_of(message); holds_->holds_back(name))
    return holds_->keep(name, [this, message] { handle(message); });
  handle(message);
}

void GuestJob::handle(const protocol::JobMessage& message) {
  switch (message.body_case()) {
    case protocol::JobMessage::kMakeWorld:
      return go_on([this, order = message.make_world()] { make_world(order); });
    case protocol::JobMessage::kImage:
      return lay_out(message.image());
    case protocol::JobMessage::kPagesEnd:
      return complete(message.pages_end());
    case protocol::JobMessage::kCommit:
      return commit();
    case protocol::JobMessage::kGivenUp:
      // If it has been killed here in this moment, what comes of that is decided by its end, as
      // home can still take it back.
      given_up_waits_ = tracee_ && tracer::is_ending(guest_->pid) && !tracee_->ended();
      if (!given_up_waits_) settle();
      return;
    case protocol::JobMessage::kConfirmedSeen:
      return on_confirmed_seen();
    case protocol::JobMessage::kAbort:
      if (advance(GuestEvent::kAborted))
        go("home called it off while " + message.abort().step() + ": " + message.abort().reason());
      return;
    case protocol::JobMessage::kDeliverSignal:
      return on_signal(message.deliver_signal());
    case protocol::JobMessage::kThreadMade: {
      const auto& made = message.thread_made();
      if (tracee_)
        tracee_->thread_made(GuestTid{made.creator()}, GuestTid{made.tid()}, made.errno_value());
      return;
    }
    case protocol::JobMessage::kHomeCallDone:
      if (calls_) calls_->on_home_call_done(message.home_call_done());
      if (!home_image_) leave_when_ready();
      return;
    case protocol::JobMessage::kClassified:
      if (calls_) calls_->on_classified(message.classified());
      return;
    case protocol::JobMessage::kParentDied:
      return on_parent_died(GuestPid{message.parent_died().new_parent()});
    case protocol::JobMessage::kComeHome:
      ordered_home_ = true;
      put_off_->skip_pause();  // whoever asks sees at once whether it can be now
      return leave(message.come_home().reason());
    case protocol::JobMessage::kCameHome:
      advance(GuestEvent::kEnded);
      return go("it went home");
    case protocol::JobMessage::kHomeRefused:
      return on_home_refused(message.home_refused());
    case protocol::JobMessage::kHomeReady:
      return on_home_ready(message.home_ready());
    case protocol::JobMessage::kStackWanted:
      return send_stacks(message.stack_wanted().id());
    case protocol::JobMessage::kKill:
    case protocol::JobMessage::kExitedSeen:
      advance(GuestEvent::kEnded);
      return go(message.has_kill() ? "its shadow at home has ended" : "it has ended");
    default:
      log::warn("a message that a guest's side does not expect ({})",
                static_cast<int>(message.body_case()));
  }
}

void GuestJob::settle() {
  if (!advance(GuestEvent::kGivenUp)) return;
  go_on([this] {
    protocol::JobMessage answer;
    answer.mutable_confirmed();
    send(answer);
  });
}

void GuestJob::on_lost(const Error& error) {
  log::warn("the link to home is lost in state {}: {}", migration::name(state_), error.message());
  if (state_ == GuestState::kPreparing || state_ == GuestState::kFilling) {
    advance(GuestEvent::kAborted);
    return go("the link to home was lost before the program was complete");
  }
  options_.lifeline.reset();
}

void GuestJob::on_given_channel(control::GivenChannel channel, const protocol::Hello& ours,
                                const control::Reply& reply) {
  protocol::Hello theirs;
  if (!theirs.ParseFromString(channel.hello))
    return reply.refused("what was said on the channel cannot be read");
  if (const auto why = holding::why_not_its_home(theirs, options_.hello); !why.empty()) {
    log::warn("node {} asks for this program and does not get it: {}", theirs.node(), why);
    return reply.refused(why);
  }
  if (auto resumed = traffic_->resume(std::move(channel.in), std::move(channel.out), ours);
      !resumed)
    return reply.refused(resumed.error().message());
  reply.done();
  loop_->post([this, lifeline = std::make_shared<Fd>(std::move(channel.lifeline))] {
    on_link_back(std::move(*lifeline));
  });
}

void GuestJob::on_link_back(Fd lifeline) {
  if (state_ == GuestState::kGone) return;
  options_.lifeline = std::move(lifeline);
  log::info("the link to home is back");
  if (state_ == GuestState::kFrozen && advance(GuestEvent::kHeardAgain)) thaw();
  if (state_ == GuestState::kSettled && !leaving_because_.empty()) leave_later(leaving_because_);
  leave_when_ready();
}

std::chrono::milliseconds GuestJob::lease() const {
  return std::chrono::milliseconds(order_.lease_ms() != 0 ? order_.lease_ms() : 30'000);
}

std::chrono::milliseconds GuestJob::abandon_time() const {
  if (confirmed_seen_) return std::max(options_.abandon, lease());
  return std::chrono::milliseconds(order_.confirm_ms() != 0 ? order_.confirm_ms() : 600'000);
}

// Home resumes the program when it has waited in vain for Confirmed. From here on it does not, and
// the guest may last for as long as this node's owner bears it.
void GuestJob::on_confirmed_seen() {
  confirmed_seen_ = true;
  protocol::JobMessage message;
  message.mutable_confirmed_heard();
  send(message);
  traffic_->set_patience(lease(), abandon_time());
  traffic_->sleeps_do_not_count();
  if (!leaving_because_.empty()) leave_later(leaving_because_);  // wanted meanwhile
}

bool GuestJob::waits_for_home() const {
  return (state_ == GuestState::kFrozen || state_ == GuestState::kLeaving) &&
         !traffic_->link().connected();
}

// The agent has asked home's, which may have it from somebody else than home's supervisor: a guest
// that hears home itself needs no such word.
void GuestJob::on_home_says(const protocol::Holding& said, const control::Reply& reply) {
  const auto weighed = holding::weigh(options_.hello.origin(), said);
  reply.done(weighed.text);
  if (weighed.word != holding::Word::kNotHeld || !waits_for_home() || !advance(GuestEvent::kOver))
    return;
  go("home has no use for it any more: " + weighed.text);
}

// The lease is renewed by anything that is heard, but not the time within which home has to commit
// and give up: home counts that from Restored, too, and takes the program back when it has passed.
// So that time passes also while this node sleeps, as does all silence until Confirmed has been
// seen; after that who sleeps cannot hear.
void GuestJob::tick() {
  const auto silent = traffic_->silence();
  const bool undecided = state_ == GuestState::kRestored || state_ == GuestState::kRunning;
  if (undecided && BootClock::now() > commit_until_) return give_way();
  if (silent > lease()) {
    if (state_ == GuestState::kPreparing || state_ == GuestState::kFilling) {
      advance(GuestEvent::kLeaseOver);
      return go("home was silent for the lease before the program was complete");
    }
    if (state_ == GuestState::kSettled && advance(GuestEvent::kLeaseOver)) freeze();
  } else if (state_ == GuestState::kFrozen && advance(GuestEvent::kHeardAgain)) {
    thaw();
  }
  if (silent > abandon_time() &&
      (state_ == GuestState::kFrozen || state_ == GuestState::kLeaving)) {
    advance(GuestEvent::kAbandoned);
    return go("home has been silent for longer than is borne here");
  }
  if (state_ == GuestState::kSettled &&
      (!stands_back_ || !session_stands_back(guest_->pid, wanted_niceness().session)))
    (void)stand_back_as_told();
  report();
}

void GuestJob::go(const std::string& why) {
  log::info("guest of {} ends here: {}", options_.hello.node(), why);
  state_ = GuestState::kGone;
  agent_->finished(why);
  traffic_->link().flush(std::chrono::seconds(1));
  loop_->stop();
}

}  // namespace llrun
