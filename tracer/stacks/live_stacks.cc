// Stop a live process for a moment, read its stacks, let it go.
#include <fmt/format.h>

#include <cerrno>

#include "tracer/arch/x86_64/restart.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/stacks/capture.h"
#include "tracer/stacks/live_source.h"
#include "tracer/stacks/stacks.h"

namespace llrun::tracer {
namespace {

bool any_unblocked(const std::vector<siginfo_t>& queued, std::uint64_t mask) {
  for (const auto& info : queued)
    if ((mask >> (info.si_signo - 1) & 1) == 0) return true;
  return false;
}

Result<bool> signal_waits(const StoppedThread& thread) {
  LLRUN_TRY_ASSIGN(const auto mask, signal_mask(thread));
  LLRUN_TRY_ASSIGN(const auto own, queued_signals(thread, SignalQueue::kThread));
  LLRUN_TRY_ASSIGN(const auto shared, queued_signals(thread, SignalQueue::kProcess));
  return any_unblocked(own, mask) || any_unblocked(shared, mask);
}

// epoll_wait and its like return EINTR on a mere stop. The program must not notice: the call is
// made again.
Result<> undo_interruption(const StoppedThread& thread) {
  LLRUN_TRY_ASSIGN(const auto found, registers(thread));
  if (static_cast<std::int64_t>(found.rax) != -EINTR) return {};
  LLRUN_TRY_ASSIGN(const bool waits, signal_waits(thread));
  return set_registers(thread, travelling_registers(found, waits));
}

// A thread that has ended meanwhile needs nothing.
Result<> unless_gone(Result<> result) {
  if (!result && result.error().code == ErrorCode::kGone) return {};
  return result;
}

Result<> undo_interruptions(ThreadSet& threads) {
  for (const auto tid : threads.tids())
    LLRUN_TRY(unless_gone(undo_interruption(threads.stopped(tid))));
  return {};
}

Result<Capture> capture_stopped(ThreadSet& threads, StackSource& source) {
  LLRUN_TRY(threads.stop_all());
  auto capture = capture_stacks(source);
  LLRUN_TRY(undo_interruptions(threads));
  return capture;
}

// Whatever went wrong, those that were stopped run again.
Result<std::vector<ThreadStack>> stop_and_read(HostPid pid, StackSource& source) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid));
  auto capture = capture_stopped(threads, source);
  LLRUN_TRY(unless_gone(threads.detach_all()));
  if (!capture) return std::unexpected(std::move(capture).error());
  return named(*capture);
}

}  // namespace

Result<std::vector<ThreadStack>> symbolised_stacks(HostPid pid, const LiveStackOptions& options) {
  LiveSource source(pid,
                    options.root.empty() ? fmt::format("/proc/{}/root", pid.value) : options.root);
  return options.already_stopped ? symbolised_stacks(source) : stop_and_read(pid, source);
}

}  // namespace llrun::tracer
