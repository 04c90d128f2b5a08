// GuestJob, the part when the program goes home: stopped, captured, sent; gone, or kept if home
// cannot have it.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/thread.h"
#include "netproxy/homefs/file_view_mount.h"
#include "supervisor/guest/guest_job.h"
#include "supervisor/guest/oom_score.h"
#include "supervisor/job/memory_sender.h"
#include "tracer/objects/descriptors.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/memory.h"
#include "tracer/objects/process.h"
#include "tracer/objects/signals.h"

namespace llrun {

namespace {
// A thread that waits for a file of home's stops when it has been answered. If the link is lost in
// just this moment that is when there is a new one, and this loop has a lease to keep.
constexpr std::chrono::milliseconds kStopPatience{800};
constexpr const char* kWaitsForFile = "it waits for a file of home's";

// To close one may be to ask its filesystem (FUSE_FLUSH), which need not answer: not on this loop.
// Where there is no thread for it they stay open until this process ends.
void close_elsewhere(std::vector<Fd> files) {
  const auto shared = std::make_shared<std::vector<Fd>>(std::move(files));
  if (auto thread = make_thread([shared] { shared->clear(); })) return thread->detach();
  for (Fd& file : *shared) std::ignore = file.release();
}
}  // namespace

using image::Description;
using migration::GuestEvent;
using migration::GuestState;

void GuestJob::leave(const std::string& reason) {
  if (state_ == GuestState::kLeaving) return;
  leaving_because_ = reason;
  if (!put_off_->waiting()) try_to_leave();
}

void GuestJob::try_to_leave() {
  // Before home lets go of it there is nothing to send home, and without a link nothing to be
  // stopped for (a thread may be waiting for a file, and could not be): it follows as soon as there
  // is.
  if (leaving_because_.empty() || state_ != GuestState::kSettled || !confirmed_seen_ ||
      !traffic_->link().connected())
    return;
  // A signal may have taken the thread out of the call that only home could do.
  if (!ordered_home_ && !calls_->wants_home() && !tracee_->wants_home()) return want_no_more();
  if (tracee_->still_waits_for_file()) return put_off(kWaitsForFile);
  if (!advance(GuestEvent::kLeave)) return;
  log::info("the program goes home: {}", leaving_because_);
  go_on([this] { stop_and_leave(); });
}

void GuestJob::stop_and_leave() {
  if (!traffic_->link().connected()) {
    advance(GuestEvent::kLeaveRefused);
    return;
  }
  auto threads = tracee_->stop_all(kStopPatience);
  if (tracee_->ended()) return;  // home hears of that, and needs no image
  if (!threads && threads.error().code == ErrorCode::kTimeout)
    return stay_after_all(kWaitsForFile, false);
  if (!threads) return stay_after_all(threads.error().message(), false);
  stopped_.emplace(std::move(*threads));
  calls_->give_up_all();
  leave_when_ready();
}

void GuestJob::leave_later(std::string reason) {
  leaving_because_ = std::move(reason);
  loop_->post([this] {
    if (state_ == GuestState::kSettled) leave(leaving_because_);
  });
}

void GuestJob::leave_when_ready() {
  if (state_ != GuestState::kLeaving || !(stopped_ || home_image_)) return;
  // Without a link it stays as it is, stopped; a new one leads here again.
  if (calls_->home_calls_under_way() || !traffic_->link().connected()) return;
  if (!home_image_)
    if (auto captured = capture_for_home(); !captured) {
      if (captured.error().code == ErrorCode::kUntrusted) end_guest(captured.error().message());
      return stay_after_all(captured.error().message(),
                            captured.error().code == ErrorCode::kRefused);
    }
  send_home();
}

Result<image::Process> GuestJob::capture_guest() {
  LLRUN_TRY(stub_->check(guest_->pid));
  for (const HostTid tid : stopped_->tids()) tracee_->settle_call(stopped_->stopped(tid));
  auto sleeps = tracee_->take_sleeps();
  auto begun = tracer::Freeze::begin(std::move(*stopped_), tracer::Freeze::Where::kGuest, &sleeps);
  if (!begun) tracee_->know_sleeps(std::move(sleeps));
  LLRUN_TRY_ASSIGN(auto freeze, std::move(begun));
  frozen_.emplace(std::move(freeze));
  frozen_->use_stub(*stub_);
  stopped_.reset();
  tracer::MemoryOptions memory;
  // What it has mapped, home's file view has open, whatever has become of the name.
  memory.names_the_file = [](const tracer::MapEntry&) { return true; };
  LLRUN_TRY_ASSIGN(auto captured, tracer::capture_process(*frozen_, memory));
  // As the program has seen them, not as they are on this node.
  const auto& clocks = world_->clocks();
  captured.process.set_monotonic_offset_ns(captured.process.monotonic_offset_ns() +
                                           static_cast<std::uint64_t>(clocks.monotonic_ns));
  captured.process.set_boot_offset_ns(captured.process.boot_offset_ns() +
                                      static_cast<std::uint64_t>(clocks.boottime_ns));
  if (!captured.pins.empty()) return failure(ErrorCode::kRefused, captured.pins.front().what);
  tracer::CaptureOptions options;
  options.look_for_sharing = false;
  options.names_are_ours = false;
  options.file_id = [](int duplicate, const Description&) -> std::optional<std::uint64_t> {
    const auto answer = homefs::describe(duplicate);
    if (!answer) return std::nullopt;
    return answer->id;
  };
  options.outer_end = [this](int duplicate, const struct stat& status) {
    return outer_end(duplicate, status);
  };
  LLRUN_TRY_ASSIGN(auto descriptors,
                   tracer::capture_descriptors(guest_->pid, guest_->pidfd, options));
  close_elsewhere(std::move(descriptors.duplicates));
  if (!descriptors.pins.empty()) return failure(ErrorCode::kRefused, descriptors.pins.front().what);
  image::Process process = std::move(captured.process);
  process.set_parent_death_signal(parent_death_signal_);
  process.mutable_descriptions()->Assign(descriptors.descriptions.begin(),
                                         descriptors.descriptions.end());
  process.mutable_descriptors()->Assign(descriptors.descriptors.begin(),
                                        descriptors.descriptors.end());
  for (Description& description : *process.mutable_descriptions()) {
    // Positions from this one on mean: the offset is kept at home.
    if (description.kind() != Description::KIND_FILE ||
        description.offset() < static_cast<std::uint64_t>(homefs::kHomeOffsetBase))
      continue;
    description.set_offset_at_home(true);
    description.set_offset(0);
  }
  // How far it stands back here is not the program's own, which only home can change, and could not
  // be undone at home.
  process.set_nice(image_.nice());
  core_limit_.give_back(process);
  process.set_oom_score_adjustment(oom_score_at_home(
      image_.oom_score_adjustment(), supervisors_oom_score(), process.oom_score_adjustment()));
  for (image::Thread& thread : *process.mutable_threads())
    LLRUN_TRY(take_off_marks(*thread.mutable_pending()));
  LLRUN_TRY(take_off_marks(*process.mutable_pending()));
  for (const siginfo_t& info : tracee_->held_signals())
    *process.add_pending() = tracer::record_of_signal(info);
  return process;
}

Result<> GuestJob::take_off_marks(
    google::protobuf::RepeatedPtrField<image::SignalInfo>& pending) const {
  for (image::SignalInfo& record : pending) {
    LLRUN_TRY_ASSIGN(const siginfo_t info, tracer::signal_of_record(record));
    record = tracer::record_of_signal(tracee_->as_sent(info));
  }
  return {};
}

std::optional<tracer::OuterEnd> GuestJob::outer_end(int duplicate,
                                                    const struct stat& status) const {
  std::optional<std::uint64_t> id;
  if (S_ISCHR(status.st_mode)) {
    id = terminals_.home_id_of(duplicate);
  } else {
    const auto& pipes = traffic_->streams().streams_by_inode();
    if (const auto found = pipes.find(status.st_ino); found != pipes.end()) id = found->second;
  }
  if (!id) return std::nullopt;
  for (const auto& description : image_.descriptions())
    if (description.home_id() == *id)
      return tracer::OuterEnd{description.home_id(), description.kind()};
  return std::nullopt;
}

Result<> GuestJob::capture_for_home() {
  LLRUN_TRY_ASSIGN(auto process, capture_guest());
  traffic_->drain_streams();
  auto& home = *home_image_.emplace().mutable_home_image();
  home.set_reason(leaving_because_);
  home.set_by_call(calls_->wants_home());
  home.set_signals(signals_got_);
  *home.mutable_image() = std::move(process);
  return {};
}

// Over each connection anew until home says that it has it, or will not: only home decides, so a
// guest whose image has been sent never runs on by itself.
void GuestJob::send_home() {
  auto& home = *home_image_->mutable_home_image();
  home.set_attempt(home.attempt() + 1);
  home.set_asks(home_has_refused_);
  send(*home_image_);
  if (!home.asks()) send_home_memory();
}

void GuestJob::on_home_ready(const protocol::HomeReady& ready) {
  if (state_ != GuestState::kLeaving || !home_image_) return;
  const auto& home = home_image_->home_image();
  if (home.asks() && ready.attempt() == home.attempt()) send_home_memory();
}

void GuestJob::send_home_memory() {
  auto sent =
      send_memory(guest_->pid, home_image_->home_image().image().memory(), traffic_->link());
  if (sent) return;
  log::warn("the program is not home yet: {}", sent.error().message());
  if (!traffic_->link().connected()) return;  // the next connection will do
  // Home refuses it then, and it stays.
  protocol::JobMessage incomplete;
  incomplete.mutable_pages_end()->set_failed(sent.error().message());
  send(incomplete);
}

void GuestJob::on_home_refused(const protocol::HomeRefused& refusal) {
  // A refusal of an earlier attempt says nothing of the one that is under way.
  if (!home_image_ || refusal.attempt() != home_image_->home_image().attempt()) return;
  home_has_refused_ = true;
  stay_after_all(refusal.reason(), false);
}

// Home could not take it, or it cannot be sent: it runs on here, and is tried again. A call that
// only home can do waits until then. Where every thread waits so, and what holds the program is its
// own, nobody is left who could change that: then such a call fails, in words in the log, as an
// ordinary system would fail it for want of resources.
void GuestJob::stay_after_all(const std::string& why, bool of_program) {
  if (!advance(GuestEvent::kLeaveRefused)) return;
  const bool was_stopped = frozen_ || stopped_;  // else its threads are as they were
  const bool for_good = was_stopped && of_program && tracee_->all_wait_for_home();
  home_image_.reset();
  if (for_good) calls_->deny(why);
  if (was_stopped) {
    calls_->wait_on();
    tracee_->stay(for_good);
  }
  if (for_good && !ordered_home_)
    want_no_more();
  else
    put_off(why);
  if (frozen_) {
    auto resumed = frozen_->resume();
    if (!resumed) log::error("the guest could not be resumed: {}", resumed.error().message());
    tracee_->know_sleeps(frozen_->take_sleeps());
    frozen_.reset();
    return tracee_->note_running();
  }
  if (stopped_) run_on(std::move(*stopped_));
  stopped_.reset();
}

void GuestJob::put_off(const std::string& why) {
  const bool news = why != put_off_->why();
  put_off_->put_off(why);
  log::warn("the program stays here for now: {}; it is tried again in {} ms", why,
            put_off_->pause().count());
  if (news) tell_put_off();
}

void GuestJob::want_no_more() {
  leaving_because_.clear();
  put_off_->forget();
  tell_put_off();
}

void GuestJob::tell_put_off() {
  protocol::JobMessage message;
  auto& told = *message.mutable_put_off();
  told.set_reason(put_off_->why());
  told.set_times(put_off_->times());
  told.set_pause_ms(static_cast<std::uint32_t>(put_off_->pause().count()));
  send(message);
}

}  // namespace llrun
