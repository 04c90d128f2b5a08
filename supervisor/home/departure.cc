// Journey, the part from the decision to the commit: a world over there, a frozen program here, its
// state on the way.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "supervisor/home/family.h"
#include "supervisor/home/fitting.h"
#include "supervisor/home/journey.h"
#include "supervisor/home/mapped_files.h"
#include "supervisor/home/watch.h"
#include "supervisor/job/greeting.h"
#include "supervisor/job/memory_sender.h"
#include "supervisor/traits/traits.h"
#include "tracer/objects/memory.h"
#include "tracer/objects/process.h"
#include "tracer/objects/process_limits.h"
#include "tracer/objects/terminals.h"
#include "tracer/procfs/ending.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/lineage.h"
#include "tracer/procfs/stat.h"
#include "tracer/ptrace/task_states.h"

namespace llrun {
namespace {

using image::Description;
using migration::HomeEvent;
using migration::HomeState;

// Streams are numbered apart from the file view's descriptions, which count from 1.
constexpr std::uint32_t kFirstStream = 1U << 30;
constexpr std::chrono::seconds kWorldTimeout{30};

bool is_file(const Description& description) {
  return description.kind() == Description::KIND_FILE ||
         description.kind() == Description::KIND_DIRECTORY;
}

bool is_stream(const Description& description) {
  return description.kind() == Description::KIND_TERMINAL ||
         description.kind() == Description::KIND_PIPE_OUT ||
         description.kind() == Description::KIND_PIPE_IN;
}

// "/dev/pts/3" of the controlling terminal, by its device number; empty: none, or none of that
// kind.
std::string terminal_path(std::int32_t device) {
  const auto number = tracer::pseudo_terminal_number(static_cast<std::uint32_t>(device));
  return number ? fmt::format("/dev/pts/{}", *number) : std::string();
}

// The numbers of the pseudo-terminals that it has open. What opens or closes meanwhile is seen when
// it is captured.
std::set<int> open_terminals(HostPid pid) {
  std::set<int> numbers;
  for (const int fd : tracer::list_fds(pid).value_or(std::vector<int>()))
    if (const auto about = tracer::stat_fd(pid, fd); about && S_ISCHR(about->st_mode))
      if (const auto number = tracer::pseudo_terminal_number(about->st_rdev))
        numbers.insert(*number);
  return numbers;
}

void say_if_not_let_go(const Result<>& let_go) {
  if (!let_go && let_go.error().code != ErrorCode::kGone)
    log::error("the program could not be resumed: {}", let_go.error().message());
}

// A node that answers, if only to say no, has been reached.
const char* step_of(const Error& error) {
  if (error.code == ErrorCode::kRefused) return "being let in";
  return error.code == ErrorCode::kProtocol ? "greeting the peer" : "reaching the peer";
}

}  // namespace

protocol::Hello Journey::own_hello() const {
  protocol::Hello hello;
  hello.set_version(kProtocolVersion);
  hello.set_purpose(protocol::Hello::PURPOSE_JOB);
  hello.set_job(plan_.job);
  hello.set_node(plan_.home);
  hello.set_program(plan_.program);
  hello.set_memory_bytes(plan_.memory_bytes);
  hello.set_epoch(plan_.epoch);
  *hello.mutable_offer() = plan_.offer;
  *hello.mutable_traits() = local_traits();
  *hello.mutable_origin() = plan_.origin;
  hello.set_secret(plan_.secret);
  hello.set_threads(static_cast<std::uint32_t>(tracer::threads_of(options_.pid).size()));
  return hello;
}

void Journey::depart() {
  advance(HomeEvent::kMigrate);
  go_on([this] { reach(); });
}

void Journey::reach() {
  protocol::Hello ours = own_hello();
  auto started = start_thread([this, ours, node = plan_.node, command = plan_.command,
                               kept_back = plan_.view.kept_back, alive = std::weak_ptr(alive_)] {
    kept_back->look_at_rules();  // here: a filesystem may not answer
    auto reached = std::make_shared<Result<PeerConnection>>(
        reach_peer_in_turn(node, command, ours, [&alive] { return alive.expired(); }));
    loop_.post([this, alive, reached] {
      if (!alive.expired()) on_reached(std::move(*reached));
    });
  });
  if (!started) abort("reaching the peer", started.error().message());
}

void Journey::on_reached(Result<PeerConnection> reached) {
  if (called_off_) return abort("being called off", *called_off_);
  if (!reached) return abort(step_of(reached.error()), reached.error().message());
  if (reached->holding) return abort("greeting the peer", "it answers with what is no hello");
  if (const auto why = why_not(own_hello().traits(), reached->hello.traits()))
    return abort("comparing the nodes", *why);
  const auto& limits = reached->hello.traits().hard_limits();
  if (const auto why = tracer::limit_beyond(
          options_.pid, {limits.data(), static_cast<std::size_t>(limits.size())}))
    return abort("comparing the nodes", *why);
  if (const auto why = why_not_this_program(options_.pid, reached->hello.traits()))
    return abort("comparing the nodes", *why);
  if (const auto may = take_its_files(); !may)
    return abort("comparing the nodes", may.error().message());
  if (auto opened = open_traffic(std::move(*reached)); !opened)
    return abort("opening the channel", opened.error().message());
  traffic_->survey_clocks([this](const ClockEstimate& clocks) { order_world(clocks); });
  loop_.after(kWorldTimeout, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && state_ == HomeState::kPreparing)
      abort("making the world", "the peer took too long");
  });
}

void Journey::order_world(const ClockEstimate& clocks) {
  if (state_ != HomeState::kPreparing) return;  // called off meanwhile
  log::info("the clock of {} is {:+.3f} ms apart, to {:.3f} ms", plan_.node,
            static_cast<double>(clocks.realtime_ns) / 1e6,
            static_cast<double>(clocks.error_ns) / 1e6);
  if (const auto why = why_not(own_hello().traits(), peer_.traits(), clocks))
    return abort("comparing the clocks", *why);
  protocol::JobMessage message;
  *message.mutable_make_world() = world_order(clocks);
  traffic_->link().send(message);
}

Result<> Journey::open_traffic(PeerConnection connection) {
  channel_process_ = std::move(connection.process);
  peer_ = std::move(connection.hello);
  LLRUN_TRY_ASSIGN(
      traffic_,
      HomeTraffic::create(
          loop_, plan_.epoch, plan_.view,
          {[this](const protocol::JobMessage& message) { on_message(message); },
           [this](std::uint64_t address, const std::string& bytes) { on_pages(address, bytes); },
           [this](const Error& error) { on_lost(error); }}));
  LLRUN_TRY(traffic_->connect(channel_process_->take_in(), channel_process_->take_out()));
  watch_lease();
  return {};
}

protocol::MakeWorld Journey::world_order(const ClockEstimate& clocks) {
  protocol::MakeWorld order;
  order.set_uid(::geteuid());
  order.set_gid(::getegid());
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  if (!groups.empty() && ::getgroups(static_cast<int>(groups.size()), groups.data()) >= 0)
    order.mutable_groups()->Assign(groups.begin(), groups.end());
  utsname names{};
  ::uname(&names);
  order.set_host_name(names.nodename);
  order.set_domain_name(names.domainname);
  order.set_pid(options_.pid.value);
  if (const auto own = tracer::read_lineage(options_.pid)) {
    order.set_parent(own->parent.value);
    order.set_session(own->session.value);
    order.set_group(own->group.value);
    if (const auto parent = tracer::read_lineage(own->parent)) {
      order.set_parent_session(parent->session.value);
      order.set_parent_group(parent->group.value);
    }
    for (const HostPid ancestor : ancestors_of(own->parent)) order.add_ancestors(ancestor.value);
    order.set_group_orphaned(is_orphaned(own->group));
    told_parent_ = own->parent;
  }
  if (const auto stat = tracer::read_stat(options_.pid))
    order.set_terminal_path(terminal_path(stat->terminal));
  for (const int number : open_terminals(options_.pid)) order.add_other_terminals(number);
  const auto asked = plan_.view.kept_back->asked();
  order.set_moves_are_asked(asked.moves);
  order.set_changes_are_asked(asked.changes);
  order.set_lease_ms(static_cast<std::uint32_t>(options_.lease.count()));
  order.set_confirm_ms(static_cast<std::uint32_t>(confirm_time().count()));
  order.set_monotonic_ahead_ns(-clocks.monotonic_ns);
  order.set_boottime_ahead_ns(-clocks.boottime_ns);
  return order;
}

// What cannot be looked at now, the freeze says.
std::optional<std::string> Journey::held_meanwhile() const {
  const auto pins = find_pins(options_.pid, {HostPid{::getpid()}});
  if (!pins || pins->empty()) return std::nullopt;
  return fmt::format("{} ({})", pins->front().what, pins->front().remedy);
}

void Journey::freeze_and_send() {
  frozen_at_ = EventLoop::Clock::now();
  if (auto captured = capture(); !captured) return abort("freezing", captured.error().message());
  if (!advance(HomeEvent::kCaptured)) return;
  go_on([this] {
    protocol::JobMessage message;
    *message.mutable_image() = image_;
    traffic_->link().send(message);
  });
}

Result<> Journey::capture() {
  LLRUN_TRY_ASSIGN(auto threads, tracer::ThreadSet::seize_all(options_.pid));
  LLRUN_TRY_ASSIGN(auto freeze, tracer::Freeze::begin(std::move(threads),
                                                      tracer::Freeze::Where::kHome, &plan_.sleeps));
  frozen_.emplace(std::move(freeze));
  LLRUN_TRY_ASSIGN(auto captured, tracer::capture_process(*frozen_));
  if (!captured.pins.empty()) return failure(ErrorCode::kRefused, captured.pins.front().what);
  LLRUN_TRY(take_its_files());  // again: it has run since the nodes were compared
  image_ = std::move(captured.process);
  plan_.cpu_away.add_to(image_);
  return take_descriptors();
}

// Files become descriptions of the file view; pipes and terminals become streams.
Result<> Journey::take_descriptors() {
  tracer::CaptureOptions capture_options;
  capture_options.job = {HostPid{::getpid()}};
  LLRUN_TRY_ASSIGN(auto captured,
                   tracer::capture_descriptors(options_.pid, options_.pidfd, capture_options));
  if (!captured.pins.empty()) return failure(ErrorCode::kRefused, captured.pins.front().what);
  LLRUN_TRY(describe_nameless_files(options_.pid, captured.duplicates, traffic_->files(),
                                    *image_.mutable_memory()));
  for (std::size_t i = 0; i < captured.descriptions.size(); ++i) {
    Description& description = captured.descriptions[i];
    Fd& duplicate = captured.duplicates[i];
    if (is_file(description)) {
      const auto offset = description.offset_at_home() ? homefs::HomeFileServer::Offset::kHome
                                                       : homefs::HomeFileServer::Offset::kGuest;
      LLRUN_TRY_ASSIGN(const auto id,
                       traffic_->files().add_description(std::move(duplicate), offset));
      description.set_home_id(id);
    } else if (is_stream(description)) {
      const auto stream = kFirstStream + static_cast<std::uint32_t>(i);
      description.set_home_id(stream);
      if (description.kind() != Description::KIND_PIPE_IN) {
        LLRUN_TRY_ASSIGN(Fd for_writing, duplicate.duplicate());
        LLRUN_TRY(traffic_->add_stream(stream, std::move(for_writing)));
      }
      streams_[stream] = std::move(duplicate);
    }
  }
  image_.mutable_descriptions()->Assign(captured.descriptions.begin(), captured.descriptions.end());
  image_.mutable_descriptors()->Assign(captured.descriptors.begin(), captured.descriptors.end());
  return {};
}

std::vector<int> Journey::fds_of_stream(std::uint32_t stream) const {
  std::vector<int> numbers;
  for (const auto& descriptor : image_.descriptors())
    if (image_.descriptions(static_cast<int>(descriptor.description())).home_id() == stream)
      numbers.push_back(descriptor.number());
  return numbers;
}

void Journey::send_pages() {
  if (state_ != HomeState::kTransferring) return;
  if (auto sent = send_memory(options_.pid, image_.memory(), traffic_->link()); !sent)
    abort("sending memory", sent.error().message());
}

void Journey::on_restored() {
  if (!advance(HomeEvent::kRestored)) return;
  committed_at_ = EventLoop::Clock::now();
  go_on([this] {
    protocol::JobMessage message;
    message.mutable_commit();
    traffic_->link().send(message);
  });
}

void Journey::on_running() {
  if (advance(HomeEvent::kRunning)) go_on([this] { give_up(); });
}

// From here on this process answers for the program: if it dies, so does what is left here, before
// a second incarnation could run. Then the peer is told that home has given up, and only then is
// the program emptied.
void Journey::give_up() {
  freeze_us_ = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(EventLoop::Clock::now() - frozen_at_)
          .count());
  bytes_ = traffic_->link().bytes_sent();
  if (auto bound = frozen_->thread_set().bind_to_us(); !bound)
    log::error("a shadow's thread is not bound to its supervisor: {}", bound.error().message());
  protocol::JobMessage message;
  message.mutable_given_up();
  traffic_->link().send(message);
  if (absence_.lasts()) reconnect();  // lost behind Running, when nothing but the lease counted
  auto parked = tracer::Shadow::make(std::move(*frozen_), image_);
  frozen_.reset();
  if (!parked) return lose("the program could not be made a shadow: " + parked.error().message());
  parked_.emplace(std::move(*parked));
}

// Nothing is let go of yet: a guest that does not hear in time that it is the program destroys
// itself (docs/protocol.md, "A move").
void Journey::on_confirmed() {
  if (state_ != HomeState::kConfirming) return;
  told_ = true;
  protocol::JobMessage message;
  message.mutable_confirmed_seen();
  traffic_->link().send(message);
}

void Journey::on_confirmed_heard() {
  if (told_ && advance(HomeEvent::kConfirmed)) go_on([this] { become_shadow(); });
}

void Journey::become_shadow() {
  if (auto dropped = parked_->drop_memory(); !dropped)
    log::error("the shadow keeps its memory: {}", dropped.error().message());
  shadow_ = std::make_unique<ShadowKeeper>(
      options_.pid, parked_->stub(), parked_->tids(),
      ShadowKeeper::Callbacks{[this](const siginfo_t& info, GuestTid tid) { on_signal(info, tid); },
                              [this](const protocol::HomeCallDone& done) {
                                protocol::JobMessage message;
                                *message.mutable_home_call_done() = done;
                                traffic_->link().send(message);
                              },
                              [this](const tracer::StopKind& end) { on_shadow_ended(end); }});
  for (const siginfo_t& info : parked_->take_late_signals()) on_signal(info, {});
  parked_.reset();
  shadow_->on_sigchld();  // what its threads have met while nobody kept them
  if (state_ == HomeState::kEnded) return;
  traffic_->release_effects();
  watch_parent();
  callbacks_.away();
  if (const auto reason = std::exchange(called_off_, std::nullopt)) come_home(*reason);
}

void Journey::abort(const std::string& step, const std::string& why) {
  if (!migration::resumable(state_)) {
    log::warn("too late to abort ({}): {}", step, why);
    return;
  }
  if (traffic_) {
    protocol::JobMessage message;
    message.mutable_abort()->set_step(step);
    message.mutable_abort()->set_reason(why);
    traffic_->link().send(message);
    traffic_->link().flush(std::chrono::seconds(1));
  }
  const std::string state(migration::name(state_));
  // While it is still stopped, in the state that was the cause.
  if (state_ != HomeState::kPreparing && !absence_.lasts() && !called_off_ && !failed_)
    note_failure(state_ == HomeState::kFreezing ? "" : plan_.node, why);
  if (!advance(HomeEvent::kAborted)) return;
  resume_at_home(fmt::format("moving to {} failed in {} ({}): {}", plan_.node, state, step, why));
}

void Journey::note_failure(const std::string& node, const std::string& why) {
  failed_ = FailedMove{node, why, state_of_program(options_.pid)};
}

// What is kept back from this node may go to another.
Result<> Journey::take_its_files() {
  const auto why = why_not_with_its_files(options_.pid, *plan_.view.kept_back);
  if (!why) return {};
  note_failure(plan_.node, *why);
  return failure(ErrorCode::kRefused, *why);
}

void Journey::resume_at_home(const std::string& why) {
  if (parked_) {
    // Half put back it must not run.
    const auto back = parked_->become_program(image_);
    const bool is_lost = !back && !tracer::is_ending(options_.pid);
    if (is_lost) lose(why + "; and it cannot be put back: " + back.error().message());
    say_if_not_let_go(parked_->detach_all());
    plan_.sleeps = parked_->take_sleeps();
    parked_.reset();
    if (is_lost) return;
  }
  if (frozen_) {
    say_if_not_let_go(frozen_->release());
    plan_.sleeps = frozen_->take_sleeps();
    frozen_.reset();
  }
  finish_home(why, false);
}

}  // namespace llrun
