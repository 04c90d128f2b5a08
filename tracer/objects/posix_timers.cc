#include "tracer/objects/posix_timers.h"

#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <span>

#include "tracer/procfs/timers.h"

namespace llrun::tracer {
namespace {

constexpr int kTimerCreateRestoreIds = 77;  // PR_TIMER_CREATE_RESTORE_IDS, Linux 6.15
constexpr std::size_t kAtOnce = 64;         // what one batch has room for
constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t nanoseconds(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

timespec time_of(std::uint64_t ns) {
  return {static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)};
}

std::optional<GuestTid> own_id(const ThreadIds& ids, HostTid tid) {
  const auto found = std::ranges::find(ids, tid, &ThreadIds::value_type::first);
  if (found == ids.end()) return std::nullopt;
  return found->second;
}

std::optional<Pin> pin_of(const PosixTimerInfo& timer, const ThreadIds& ids) {
  constexpr const char* kRemedy = "it can move once that timer has been deleted";
  if (auto why = why_not_carried(timer)) return Pin{*why, kRemedy};
  if (timer.thread && !own_id(ids, *timer.thread))
    return Pin{"POSIX timer " + std::to_string(timer.id) + " is for a thread that has ended",
               kRemedy};
  return std::nullopt;
}

image::PosixTimer record_of(const PosixTimerInfo& timer, const ThreadIds& ids,
                            const itimerspec& left) {
  image::PosixTimer record;
  record.set_id(timer.id);
  record.set_clock(timer.clock);
  record.set_notify(timer.notify);
  record.set_signal(timer.signal);
  record.set_value(timer.value);
  if (timer.thread) record.set_thread(own_id(ids, *timer.thread)->value);
  // Rung, and beginning anew only when its signal is delivered (kernel/time/posix-timers.c).
  const bool waits_for_delivery = nanoseconds(left.it_value) == 0;
  record.set_left_ns(nanoseconds(waits_for_delivery ? left.it_interval : left.it_value));
  record.set_interval_ns(nanoseconds(left.it_interval));
  return record;
}

sigevent event_of(const image::PosixTimer& timer) {
  sigevent event{};
  event.sigev_notify = timer.notify();
  event.sigev_signo = timer.signal();
  event.sigev_value.sival_ptr = reinterpret_cast<void*>(timer.value());
  if (timer.notify() & SIGEV_THREAD_ID) event._sigev_un._tid = timer.thread();
  return event;
}

Result<> make_some(RemoteSyscalls& calls, RemoteArena arena,
                   std::span<const image::PosixTimer* const> timers) {
  Batch batch(calls, arena);
  batch.add(SYS_prctl, kTimerCreateRestoreIds, 1, 0, 0, 0);
  for (const auto* timer : timers) {
    const itimerspec times{time_of(timer->interval_ns()), time_of(timer->left_ns())};
    LLRUN_TRY_ASSIGN(const auto event, batch.arena().put_value(event_of(*timer)));
    LLRUN_TRY_ASSIGN(const auto id, batch.arena().put_value(timer->id()));
    LLRUN_TRY_ASSIGN(const auto value, batch.arena().put_value(times));
    batch.add(SYS_timer_create, timer->clock(), event, id);
    batch.add(SYS_timer_settime, timer->id(), 0, value, 0);
  }
  batch.add(SYS_prctl, kTimerCreateRestoreIds, 0, 0, 0, 0);
  return batch.run_all_must_succeed("make POSIX timers");
}

}  // namespace

Result<Pins> capture_posix_timers(RemoteSyscalls& calls, RemoteArena arena, const ThreadIds& ids,
                                  PosixTimers& into) {
  Pins pins;
  LLRUN_TRY_ASSIGN(const auto timers, read_posix_timers(calls.pid()));
  for (const auto& timer : timers)
    if (auto pin = pin_of(timer, ids)) pins.push_back(std::move(*pin));
  if (!pins.empty()) return pins;
  arena.clear();
  LLRUN_TRY_ASSIGN(const auto place, arena.reserve(sizeof(itimerspec)));
  for (const auto& timer : timers) {
    LLRUN_TRY(calls.call(SYS_timer_gettime, timer.id, place));
    LLRUN_TRY_ASSIGN(const auto left, read_value<itimerspec>(calls.pid(), place));
    *into.Add() = record_of(timer, ids, left);
  }
  return pins;
}

Result<> make_posix_timers(RemoteSyscalls& calls, RemoteArena arena, const PosixTimers& timers) {
  const std::vector<const image::PosixTimer*> all(timers.pointer_begin(), timers.pointer_end());
  for (std::size_t done = 0; done < all.size(); done += kAtOnce)
    LLRUN_TRY(make_some(calls, arena,
                        std::span(all).subspan(done, std::min(kAtOnce, all.size() - done))));
  return {};
}

Result<> delete_posix_timers(RemoteSyscalls& calls, RemoteArena arena, const PosixTimers& timers) {
  if (timers.empty()) return {};
  Batch batch(calls, arena);
  std::vector<std::size_t> deletions;
  for (const auto& timer : timers) deletions.push_back(batch.add(SYS_timer_delete, timer.id()));
  LLRUN_TRY(batch.run());
  // EINVAL: it is not there.
  for (const auto deletion : deletions)
    if (const auto error = batch.error(deletion); error != 0 && error != EINVAL)
      return system_error("delete POSIX timers", error);
  return {};
}

}  // namespace llrun::tracer
