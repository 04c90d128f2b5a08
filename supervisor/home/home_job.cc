#include "supervisor/home/home_job.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/claim.h"
#include "base/log.h"
#include "supervisor/config/paths.h"
#include "supervisor/holding/origin.h"
#include "supervisor/holding/secret.h"
#include "supervisor/home/level_list.h"
#include "supervisor/home/stacks_text.h"
#include "supervisor/job/child_signals.h"
#include "tracer/ptrace/letting_go.h"

namespace llrun {
namespace {

constexpr std::chrono::seconds kTick{1};
// The launcher starts us, and then becomes the program: nobody is told when, as nobody is attached.
constexpr std::chrono::milliseconds kLookForExec{20};
constexpr std::chrono::milliseconds kLookAtTheBereaved{250};

bool is_launcher(HostPid pid) {
  const auto own = read_link("/proc/self/exe");
  const auto its = read_link(fmt::format("/proc/{}/exe", pid.value));
  return own && its && std::filesystem::path(*own).replace_filename("llrun") == *its;
}

std::string new_job_name(HostPid pid) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("{}-{}-{:x}", config::host_name(), pid.value,
                     std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::string in_words(const tracer::Pins& pins) {
  std::string words;
  for (const auto& pin : pins)
    words += fmt::format("{}{} ({})", words.empty() ? "" : "; ", pin.what, pin.remedy);
  return words;
}

// All its threads: what /proc says of a program whose first thread has ended is that of one that
// has.
bool has_ended(const Fd& pidfd) {
  pollfd end{pidfd.get(), POLLIN, 0};
  return ::poll(&end, 1, 0) == 1;
}

}  // namespace

HomeJob::HomeJob(HomeOptions options)
    : options_(std::move(options)),
      watch_(options_.pid),
      children_(options_),
      job_(new_job_name(options_.pid)),
      secret_(holding::new_secret()) {}

Result<std::unique_ptr<HomeJob>> HomeJob::create(HomeOptions options) {
  std::unique_ptr<HomeJob> job(new HomeJob(std::move(options)));
  LLRUN_TRY(job->start());
  return job;
}

Result<> HomeJob::start() {
  if (options_.claim.valid()) claim::take_over(options_.claim.get());
  LLRUN_TRY_ASSIGN(loop_, EventLoop::create());
  LLRUN_TRY_ASSIGN(child_signals_, watch_child_signals(*loop_, [this] {
                     if (journey_) journey_->on_sigchld();
                     tracer::let_go_stragglers();
                   }));
  // What it is by then, its next look shows.
  if (auto waking = Waking::create(*loop_, options_.pid, [this] { tick_after(kTick); }))
    waking_ = std::move(*waking);
  else
    log::debug("{}", waking.error().message());
  LLRUN_TRY(loop_->watch(options_.pidfd.get(), EPOLLIN, [this](std::uint32_t) {
    if (journey_) return journey_->on_died();
    on_end("ended");
  }));
  control::AgentClient::Handlers handlers;
  handlers.migrate = [this](const auto& order, const auto& reply) { on_migrate(order, reply); };
  handlers.come_home = [this](const auto& order, const auto& reply) { on_come_home(order, reply); };
  handlers.why = [this](const auto&, const auto& reply) { on_why(reply); };
  handlers.stack = [this](const auto&, const auto& reply) { on_stack(reply); };
  handlers.files = [this](const auto&, const auto& reply) {
    const auto files = text_of(*uses_);
    reply.done(files.text, files.json);
  };
  handlers.forget = [this](const auto&, const auto& reply) { on_forget(reply); };
  handlers.pin_by_hand = [this](const auto& order, const auto& reply) {
    on_pin_by_hand(order, reply);
  };
  handlers.connected = [](bool yes, const std::string& why_not) {
    if (!yes) log::warn("no node agent: {}; the program runs on here", why_not);
  };
  LLRUN_TRY_ASSIGN(agent_, control::AgentClient::create(*loop_, {}, std::move(handlers)));
  keep_ticking();
  if (options_.launched && is_launcher(options_.pid)) look_for_exec();
  return {};
}

// A program that is placed should go while it is small: it is reported as soon as it is there.
void HomeJob::look_for_exec() {
  if (!is_launcher(options_.pid)) {
    attention_.start_anew();
    return keep_ticking();
  }
  loop_->after(kLookForExec, [this] { look_for_exec(); });
}

int HomeJob::run() {
  loop_->run();
  return 0;
}

void HomeJob::tell(const std::string& kind, const std::string& text) {
  // The agent writes it to the log, too.
  if (!agent_->connected()) log::info("{}", text);
  if (options_.verbose) std::fprintf(stderr, "llrun: %s\n", text.c_str());
  agent_->event(kind, text);
}

void HomeJob::tick() {
  tracer::let_go_stragglers();
  if (!options_.pidfd.valid()) return;  // it has ended
  const bool at_home = !journey_ || !journey_->holds_program();
  if (!at_home || look_at_program()) report();
}

void HomeJob::keep_ticking() {
  tick();
  see_to_the_next_tick();
}

void HomeJob::see_to_the_next_tick() {
  const auto pause = until_next_tick();
  tick_after(pause);
  if (!waking_) return;
  if (pause > kTick)
    waking_->arm();
  else
    waking_->disarm();
}

void HomeJob::tick_after(EventLoop::Clock::duration pause) {
  loop_->cancel(next_tick_);
  next_tick_ = loop_->after(pause, [this] { keep_ticking(); });
}

EventLoop::Clock::duration HomeJob::until_next_tick() const {
  return journey_ || !children_.at_rest() ? kTick : attention_.until_next();
}

// Its end is told by the pidfd. Into others nobody may look (it is not dumpable, its main thread
// has ended): they are reported all the same, with what pins them.
bool HomeJob::look_at_program() {
  const auto now = Attention::Clock::now();
  const auto used = tracer::cpu_time_of(options_.pid);
  const auto due =
      attention_.next(now, used ? std::optional(*used) : std::nullopt, watch_.cpu_rate());
  look_for_children(due.children);
  if (!due.measures) return false;
  if (due.anew) watch_.start_anew();
  std::ignore = watch_.sample();
  if (has_ended(options_.pidfd)) return false;
  if (attention_.pins_due(now, watch_.cpu_rate())) {
    const auto before = watch_.pins();
    auto looked = watch_.look_for_pins({HostPid{::getpid()}});
    if (!looked) log::debug("{}", looked.error().message());
    attention_.pins_seen(now, watch_.pins() != before);
  }
  if (failed_moves_.any()) failed_moves_.look(state_of_program(options_.pid));
  return true;
}

void HomeJob::look_for_children(bool ran) {
  for (const auto& complaint : children_.look(ran, children_by_list())) tell("child", complaint);
}

bool HomeJob::children_by_list() const {
  if (options_.level_list.empty()) return false;
  const bool listed = is_listed(options_.level_list, watch_.names());
  return !listed && (options_.by_list || is_shell(watch_.program()));
}

std::optional<tracer::Pin> HomeJob::own_pin() const {
  if (options_.by_list && !is_listed(options_.level_list, watch_.names()))
    return tracer::Pin{"a shell started it, and it is not on the load-level list",
                       "add " + watch_.program() +
                           " to level-list in llrun.conf, or start it with "
                           "llrun"};
  if (options_.stay) return tracer::Pin{"it was started with --stay", "start it without --stay"};
  if (pinned_by_hand_)
    return tracer::Pin{"it was pinned by hand",
                       fmt::format("llrunctl unpin {}", options_.pid.value)};
  if (rests_until_ && EventLoop::Clock::now() < *rests_until_)
    return tracer::Pin{rest_reason_, "it may go again in a while"};
  return failed_moves_.pin();
}

std::string HomeJob::put_off_words() const {
  if (!journey_ || journey_->put_off().empty()) return {};
  return "; it is wanted at home, and not there yet: " + journey_->put_off() +
         " (it is tried again)";
}

void HomeJob::report() {
  protocol::ProcessReport report;
  watch_.describe(report);
  report.set_pid(options_.pid.value);
  report.set_job(job_);
  report.set_supervisor_pid(static_cast<std::uint32_t>(::getpid()));
  report.set_where(where_);
  report.set_moves(moves_);
  report.set_last_reason(last_reason_ + put_off_words());
  report.set_only_node(options_.only_node);
  report.set_stay(options_.stay || pinned_by_hand_);
  report.set_last_freeze_us(last_freeze_us_);
  report.set_last_bytes(last_bytes_);
  report.set_last_transfer_bytes(last_transfer_.bytes);
  report.set_last_transfer_us(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(last_transfer_.time).count()));
  report.set_last_node(last_node_);
  report.set_epoch(epoch_);
  if (journey_ && journey_->absence().lasts()) {
    report.set_unreached_ms(static_cast<std::uint64_t>(journey_->absence().length().count()));
    report.set_unreached_why(journey_->absence().why());
  }
  report.set_sent_home(sent_home_);
  const auto since =
      std::chrono::duration_cast<std::chrono::milliseconds>(EventLoop::Clock::now() - last_move_);
  report.set_since_last_move_ms(static_cast<std::uint64_t>(since.count()));
  report.set_state(
      std::string(migration::name(journey_ ? journey_->state() : migration::HomeState::kHome)));
  std::uint64_t away_ms = cpu_away_.process_ns / 1'000'000;
  if (journey_ && journey_->holds_program()) {
    away_ms += journey_->guest_cpu_ms();
    report.set_resident_bytes(journey_->guest_resident_bytes());
    report.set_home_calls_rate(journey_->home_calls_rate());
  }
  report.set_cpu_ms(report.cpu_ms() + away_ms);
  report.set_cpu_since_move_ms(report.cpu_ms() - std::min(report.cpu_ms(), cpu_ms_at_move_));
  if (!where_.empty()) report.set_dirty_bytes(report.resident_bytes());
  auto pins = watch_.pins();
  if (const auto own = own_pin()) pins.insert(pins.begin(), *own);
  for (const auto& pin : pins) {
    auto& told = *report.add_pins();
    told.set_what(pin.what);
    told.set_remedy(pin.remedy);
  }
  report.set_eligible(!journey_ && pins.empty() && !watch_.not_yet(options_));
  const bool is_new = !journey_ && moves_ == 0 && pins.empty() && !is_launcher(options_.pid);
  if (is_new && watch_.is_only_young(options_))
    report.set_waits_until_ms(static_cast<std::uint64_t>(options_.after.count()));
  agent_->report(std::move(report));
}

void HomeJob::on_end(const std::string& how) {
  tell("ended", fmt::format("{} ({}) {}", watch_.program(), options_.pid.value, how));
  agent_->finished(how);
  loop_->unwatch(options_.pidfd.get());
  options_.pidfd.reset();
  options_.claim.reset();
  // Not from within one of their own callbacks; nobody gives orders to what has ended.
  loop_->post([this] {
    journey_.reset();
    agent_.reset();
    care_for_the_bereaved();
  });
}

// Of a program that forks and ends at once the children are no older than it. Whoever waits for the
// end of what is told here (-v) is not kept waiting for that.
void HomeJob::care_for_the_bereaved() {
  if (!children_.look_after_the_end(children_by_list())) return loop_->stop();
  const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (null.valid()) ::dup2(null.get(), STDERR_FILENO);
  loop_->after(kLookAtTheBereaved, [this] { care_for_the_bereaved(); });
}

void HomeJob::on_migrate(const protocol::Migrate& order, const control::Reply& reply) {
  if (journey_ && journey_->state() == migration::HomeState::kAway && order.node() != where_) {
    // Onward by way of home: what it left there goes along.
    onward_.emplace(order, reply);
    asked_home_ = true;
    return journey_->come_home("on its way to " + order.node());
  }
  if (journey_)
    return reply.refused(journey_->holds_program() && !where_.empty()
                             ? fmt::format("it is on {} now: llrunctl home {} brings it back first",
                                           where_, options_.pid.value)
                             : "it is on its way already");
  if (auto looked = watch_.look_for_pins({HostPid{::getpid()}}); !looked)
    return reply.refused(looked.error().message());
  auto pins = watch_.pins();
  if (const auto own = own_pin(); own && !order.by_hand()) pins.insert(pins.begin(), *own);
  if (!pins.empty()) return reply.refused("it stays: " + in_words(pins));
  const bool at_start = order.offer().at_start();
  const auto not_yet = at_start ? watch_.too_busy(options_) : watch_.not_yet(options_);
  if (not_yet && !order.by_hand()) return reply.refused(*not_yet);
  if (const auto failed = failed_moves_.against(order.node()); failed && !order.by_hand())
    return reply.refused(*failed);
  last_reason_ = order.reason();
  tell("moving", fmt::format("{} ({}) moves to {}: {}", watch_.program(), options_.pid.value,
                             order.node(), order.reason()));
  Journey::Plan plan;
  plan.node = order.node();
  plan.command = {order.channel_command().begin(), order.channel_command().end()};
  plan.reason = order.reason();
  plan.job = job_;
  plan.home = agent_->node();
  plan.program = watch_.program();
  plan.memory_bytes = watch_.resident_bytes();
  plan.epoch = ++epoch_;
  plan.secret = secret_;
  plan.view = {std::make_shared<const homefs::KeptBack>(options_.kept_from(plan.node)), uses_};
  plan.origin = holding::own_origin(plan.home);
  plan.offer = order.offer();
  plan.cpu_away = cpu_away_;
  plan.sleeps = std::exchange(sleeps_, {});
  Journey::Callbacks callbacks;
  callbacks.progress = [this](const std::string& text) { tell("progress", text); };
  callbacks.away = [this, reply] {
    where_ = journey_->node();
    ++moves_;
    last_move_ = EventLoop::Clock::now();
    last_freeze_us_ = journey_->freeze_us();
    last_bytes_ = journey_->bytes();
    last_transfer_ = journey_->travelled();
    sent_home_ = false;
    last_node_ = where_;
    const std::string text = fmt::format(
        "{} ({}) runs on {}: frozen for {:.1f} ms, {} sent", watch_.program(), options_.pid.value,
        where_, static_cast<double>(last_freeze_us_) / 1000, human_bytes(last_bytes_));
    tell("moved", text);
    report();
    reply.done(text);
  };
  callbacks.home = [this, reply, at_start](const std::string& why, bool by_call) {
    reply.refused(why);  // nothing, if it has been answered
    journey_over(why, by_call, at_start);
  };
  callbacks.ended = [this, reply](const std::string& how) {
    reply.refused("the program has ended");
    on_end(how);
  };
  asked_home_ = false;
  journey_ = std::make_unique<Journey>(*loop_, options_, std::move(plan), std::move(callbacks));
  journey_->depart();
  report();
  see_to_the_next_tick();
}

void HomeJob::journey_over(const std::string& why, bool by_call, bool at_start) {
  cpu_away_ = journey_->cpu_away();
  sleeps_ = journey_->take_sleeps();
  const bool had_moved = !where_.empty();
  where_.clear();
  sent_home_ = had_moved && !by_call && !asked_home_;
  last_reason_ = why;
  last_move_ = EventLoop::Clock::now();
  if (had_moved) last_freeze_us_ = journey_->freeze_us();
  tell(had_moved ? "home" : "stays",
       fmt::format("{} ({}) {}: {}", watch_.program(), options_.pid.value,
                   had_moved ? "is home again" : "stays home", why));
  if (journey_->failed()) failed_moves_.note(*journey_->failed());
  // A placement is asked for once, and its failure says nothing of what is so after some seconds.
  if (by_call || (!had_moved && !at_start)) {
    // One that came home for a call is likely to make another.
    rests_until_ = EventLoop::Clock::now() + options_.rest;
    rest_reason_ = (by_call ? "it came home for a call: " : "a move has just failed: ") + why;
  }
  watch_.start_anew();
  attention_.start_anew();
  // Not from within one of its own callbacks.
  loop_->post([this, journey = std::shared_ptr<Journey>(std::move(journey_))] {
    keep_ticking();
    if (const auto onward = std::exchange(onward_, std::nullopt))
      on_migrate(onward->first, onward->second);
  });
}

void HomeJob::on_come_home(const protocol::ComeHome& order, const control::Reply& reply) {
  if (!journey_) return reply.done(fmt::format("process {} is at home", options_.pid.value));
  const bool leaves = migration::resumable(journey_->state());
  const std::string node = journey_->node();
  asked_home_ = true;
  journey_->come_home(order.reason().empty() ? "asked for" : order.reason());
  if (journey_->absence().lasts())
    return reply.done(
        fmt::format("{} {}: it comes home as soon as it is", node, journey_->absence().in_words()));
  reply.done(leaves ? fmt::format("its move to {} is called off", node) : "it is on its way home");
}

void HomeJob::on_forget(const control::Reply& reply) {
  if (!journey_) return reply.refused(fmt::format("process {} is at home", options_.pid.value));
  const std::string text = fmt::format("process {} is given up: {} {}", options_.pid.value,
                                       journey_->node(), journey_->absence().in_words());
  if (auto forgotten = journey_->forget(); !forgotten)
    return reply.refused(forgotten.error().attempted);
  reply.done(text);
}

void HomeJob::on_why(const control::Reply& reply) {
  if (journey_ && journey_->absence().lasts() && !where_.empty())
    return reply.done(
        fmt::format("it is away, on {}, which {}: it is waited for (llrunctl forget {} "
                    "gives it up)",
                    where_, journey_->absence().in_words(), options_.pid.value));
  if (!where_.empty())
    return reply.done(
        fmt::format("it is away, on {}: {}{}", where_, last_reason_, put_off_words()));
  if (journey_)
    return reply.done(fmt::format("it is on its way to {}: {}", journey_->node(), last_reason_));
  if (auto looked = watch_.look_for_pins({HostPid{::getpid()}}); !looked)
    return reply.refused(looked.error().message());
  auto pins = watch_.pins();
  if (const auto own = own_pin()) pins.insert(pins.begin(), *own);
  for (const auto& failed : failed_moves_.in_words())
    if (pins.empty() || pins.front() != failed) pins.push_back(failed);
  for (const auto& pin : pins) {
    protocol::Row row;
    row.mutable_pin()->set_what(pin.what);
    row.mutable_pin()->set_remedy(pin.remedy);
    reply.row(row);
  }
  if (!pins.empty()) return reply.done();
  const auto not_yet = watch_.not_yet(options_);
  reply.done(not_yet ? "nothing pins it; not yet: " + *not_yet
                     : "nothing pins it: it goes when another node would run it sooner");
}

void HomeJob::on_stack(const control::Reply& reply) {
  const auto answer = [reply](const Result<StacksText>& stacks) {
    if (!stacks) return reply.refused(stacks.error().message());
    reply.done(stacks->text, stacks->json);
  };
  if (journey_ && journey_->holds_program()) return journey_->ask_stack(answer);
  answer(stacks_of(options_.pid, journey_ ? journey_->sleeps() : sleeps_));
}

void HomeJob::on_pin_by_hand(const protocol::PinByHand& order, const control::Reply& reply) {
  pinned_by_hand_ = order.pinned();
  reply.done(pinned_by_hand_ ? "pinned" : "unpinned");
  report();
}

}  // namespace llrun
