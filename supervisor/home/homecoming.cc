// Journey, the part when the program comes home: its state goes back into its shadow, which runs
// on.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "imagefmt/validate.h"
#include "supervisor/clock/estimate.h"
#include "supervisor/home/journey.h"
#include "supervisor/home/mapped_files.h"
#include "tracer/objects/clearing.h"
#include "tracer/objects/descriptors_restore.h"
#include "tracer/objects/restore.h"

namespace llrun {
namespace {

// The clocks that the program saw may have been ahead of home's by as much as home could not tell.
// If it is more, this node has slept while its program did not, and is behind for good
// (docs/limits.md).
void wait_for_clocks(const image::Process& image) {
  constexpr std::chrono::seconds kMost{1};
  const ClockReading seen{static_cast<std::int64_t>(image.monotonic_offset_ns()),
                          static_cast<std::int64_t>(image.boot_offset_ns()), 0};
  const auto left = until_shown(seen, read_clocks());
  if (left <= kMost) return std::this_thread::sleep_for(left);
  log::warn("this node's clocks are {:.1f} s behind what the program saw: it has slept meanwhile",
            std::chrono::duration<double>(left).count());
}

// What threads that were to become the program have got of it. The signals that met them meanwhile,
// and are not on their way to the guest, which keeps all that waited for it.
std::vector<siginfo_t> take_back_all(tracer::ThreadSet& threads, const tracer::StubPage& page,
                                     const image::Process& image, const RelayedSignals& relayed) {
  auto met = tracer::clear_program(threads, page, image);
  if (!met) {
    if (met.error().code != ErrorCode::kGone)
      log::error("the shadow keeps something of the program's: {}", met.error().message());
    return {};
  }
  for (const auto& sent : relayed.unheard()) {
    const auto queued = std::ranges::find_if(
        *met, [&](const siginfo_t& info) { return tracer::same_signal(info, sent.info); });
    if (queued != met->end()) met->erase(queued);
  }
  return std::move(*met);
}

}  // namespace

using image::Description;
using migration::HomeEvent;

void Journey::on_home_image(const protocol::HomeImage& image) {
  if (!advance(HomeEvent::kHomeImage)) return;
  forget_return();  // what came over a link that was lost on the way
  frozen_at_ = EventLoop::Clock::now();
  returning_ = image;
  relayed_.heard(image.signals());
  callbacks_.progress("comes home: " + image.reason());
  // Output that is still on its way to a pipe goes first: what the program writes next comes after
  // it.
  go_on([this, number = ++returns_] {
    traffic_->when_drained([this, number] {
      if (number != returns_ || !returning_) return;
      if (auto laid_out = lay_out_shadow(); !laid_out)
        return refuse_return(laid_out.error().message());
      if (returning_->asks()) tell_ready();
    });
  });
}

// It has been refused before, and was not to be sent whole for another refusal.
void Journey::tell_ready() {
  protocol::JobMessage message;
  message.mutable_home_ready()->set_attempt(returning_->attempt());
  traffic_->link().send(message);
}

// What would be found missing only when all memory has come.
Result<> Journey::look_for_descriptions() const {
  for (const Description& description : returning_->image().descriptions())
    if (description.kind() == Description::KIND_FILE ||
        description.kind() == Description::KIND_DIRECTORY)
      LLRUN_TRY(traffic_->files().description_of(description.home_id()));
  return {};
}

// The shadow's memory is the program's again; its pages may come.
Result<> Journey::lay_out_shadow() {
  LLRUN_TRY(validate(returning_->image()));
  LLRUN_TRY(look_for_descriptions());
  LLRUN_TRY_ASSIGN(auto threads, shadow_->stop_all());
  for (const HostTid tid : threads.tids())
    if (!has_thread(tid)) unneeded_threads_.push_back(tid);
  tracer::RestoreOptions options;
  options.files = sources_at_home(traffic_->files());
  options.before_release = [this](tracer::RemoteSyscalls& calls,
                                  tracer::RemoteArena arena) -> Result<> {
    LLRUN_TRY(tracer::update_descriptors(
        calls, arena, returning_->image(),
        [this](const Description& description) { return own_duplicate(description); }));
    return queue_unheard(calls, arena);
  };
  restorer_.emplace(returning_->image(), std::move(threads), std::move(options));
  LLRUN_TRY(restorer_->lay_out(shadow_->page().site(), shadow_->page()));
  while (!early_pages_.empty()) {
    const auto [address, bytes] = std::move(early_pages_.front());
    early_pages_.pop_front();
    LLRUN_TRY(land(address, bytes));
  }
  if (early_end_) on_home_pages_end(*std::exchange(early_end_, std::nullopt));
  return {};
}

// What found the guest captured. If it stays away after all, it has got them there.
Result<> Journey::queue_unheard(tracer::RemoteSyscalls& calls, tracer::RemoteArena arena) const {
  for (const auto& sent : relayed_.unheard()) {
    const auto scratch = arena.range().start;
    LLRUN_TRY(has_thread(HostTid{sent.tid.value})
                  ? tracer::queue_signal_to_thread(calls, sent.tid, sent.info, scratch)
                  : tracer::queue_signal_to_process(calls, sent.info, scratch));
  }
  return {};
}

bool Journey::has_thread(HostTid tid) const {
  for (const auto& thread : returning_->image().threads())
    if (thread.tid() == tid.value) return true;
  return false;
}

// What the program holds at home: what it had when it left, and what the file view has opened for
// it since.
Result<Fd> Journey::own_duplicate(const Description& description) {
  if (const auto stream = streams_.find(description.home_id()); stream != streams_.end())
    return stream->second.duplicate();
  if (description.kind() == Description::KIND_DEVICE)
    return open_file(description.path(), description.flags() & (O_ACCMODE | O_NONBLOCK));
  return traffic_->files().description_of(description.home_id());
}

void Journey::on_pages(std::uint64_t address, const std::string& bytes) {
  if (holds_.holds_back(kPagesPoint))
    return holds_.keep(kPagesPoint, [this, address, bytes] { take_pages(address, bytes); });
  take_pages(address, bytes);
}

void Journey::take_pages(std::uint64_t address, const std::string& bytes) {
  if (returning_ && !restorer_) return void(early_pages_.emplace_back(address, bytes));
  if (!returning_) return pages_done_with(bytes.size());
  if (auto landed = land(address, bytes); !landed) refuse_return(landed.error().message());
}

Result<> Journey::land(std::uint64_t address, const std::string& bytes) {
  const auto landed = restorer_->land({address}, std::as_bytes(std::span(bytes)));
  pages_done_with(bytes.size());
  LLRUN_TRY(landed);
  pages_received_ += bytes.size() / wire::kPageSize;
  return {};
}

// Also of those that nobody wants any more: their sender waits for them before he hears that.
void Journey::pages_done_with(std::uint64_t bytes) { traffic_->link().landed(bytes); }

void Journey::on_home_pages_end(const protocol::PagesEnd& end) {
  if (!returning_) return;
  if (!restorer_) {
    early_end_ = end;
    return;
  }
  if (auto filled = fill_shadow(end); !filled) refuse_return(filled.error().message());
}

Result<> Journey::fill_shadow(const protocol::PagesEnd& end) {
  if (!end.failed().empty())
    return failure(ErrorCode::kRefused, "its memory could not be sent: " + end.failed());
  if (end.pages() != pages_received_)
    return failure(ErrorCode::kProtocol, fmt::format("{} pages were sent and {} have come",
                                                     end.pages(), pages_received_));
  for (const auto& range : end.ranges()) LLRUN_TRY(restorer_->land_range(range));
  LLRUN_TRY(restorer_->finish());
  wait_for_clocks(returning_->image());
  plan_.sleeps = restorer_->take_sleeps();
  const auto stub = *restorer_->stub();
  LLRUN_TRY_ASSIGN(auto threads, restorer_->release(false));
  restorer_.reset();
  end_unneeded(threads);
  // Else it would be the program's from now on, and travel with it the next time.
  if (auto unmapped = stub.unmap_from(options_.pid, threads.stopped(HostTid{options_.pid.value}));
      !unmapped)
    log::error("a page of llrun's stays in the program: {}", unmapped.error().message());
  shadow_.reset();
  const bool returned = advance(HomeEvent::kReturned);
  freeze_us_ = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(EventLoop::Clock::now() - frozen_at_)
          .count());
  if (auto shortened = plan_.sleeps.detach_from(threads); !shortened)
    log::error("a thread could not be let go: {}", shortened.error().message());
  if (auto detached = threads.detach_all(); !detached)
    log::error("a thread could not be let go: {}", detached.error().message());
  if (!returned) return {};
  plan_.cpu_away.note(returning_->image());
  protocol::JobMessage message;
  message.mutable_came_home();
  traffic_->link().send(message);
  traffic_->link().flush(std::chrono::seconds(2));
  finish_home(returning_->reason(), returning_->by_call());
  return {};
}

// Threads that were made for a guest's clone call which has been taken back: it will be made again.
void Journey::end_unneeded(tracer::ThreadSet& threads) {
  for (const HostTid tid : std::exchange(unneeded_threads_, {}))
    if (auto ended = shadow_->end_stopped_thread(threads, tid); !ended)
      log::warn("a thread of the shadow stays: {}", ended.error().message());
}

// The shadow is a shadow again; it is emptied by the next attempt.
void Journey::forget_return() {
  if (restorer_) {
    const auto page = restorer_->stub().value_or(shadow_->page());
    auto threads = restorer_->release(false);
    restorer_.reset();
    LLRUN_CHECK(threads, "threads that were not let go");
    const auto met = take_back_all(*threads, page, returning_->image(), relayed_);
    if (auto parked = shadow_->park_all(std::move(*threads), page); !parked)
      log::error("the shadow is lost: {}", parked.error().message());
    for (const siginfo_t& info : met) on_signal(info, {});
  }
  returning_.reset();
  for (const auto& [address, bytes] : std::exchange(early_pages_, {}))
    pages_done_with(bytes.size());
  early_end_.reset();
  unneeded_threads_.clear();
  pages_received_ = 0;
}

// The program goes on where it is.
void Journey::refuse_return(const std::string& why) {
  if (!advance(HomeEvent::kReturnFailed)) return;
  log::error("the program cannot come home: {}", why);
  if (why != put_off_) callbacks_.progress("cannot come home yet: " + why);
  put_off_ = why;
  protocol::JobMessage message;
  message.mutable_home_refused()->set_reason(why);
  message.mutable_home_refused()->set_attempt(returning_ ? returning_->attempt() : 0);
  forget_return();
  traffic_->link().send(message);
}

}  // namespace llrun
