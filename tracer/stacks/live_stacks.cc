// Stop a live process for a moment, read its stacks, let it go.
#include <fmt/format.h>

#include "tracer/objects/sleeps.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/stacks/capture.h"
#include "tracer/stacks/live_source.h"
#include "tracer/stacks/stacks.h"

namespace llrun::tracer {
namespace {

// A thread that has ended meanwhile needs nothing; one that cannot be let go now is let go later.
Result<> unless_gone(Result<> result) {
  if (!result &&
      (result.error().code == ErrorCode::kGone || result.error().code == ErrorCode::kTimeout))
    return {};
  return result;
}

Result<> look_at_sleeps(ThreadSet& threads, Sleeps& sleeps) {
  for (const auto tid : threads.tids())
    LLRUN_TRY(unless_gone(sleeps.look(threads.pid(), threads.stopped(tid))));
  return {};
}

Result<Capture> capture_stopped(ThreadSet& threads, StackSource& source, Sleeps& sleeps) {
  sleeps.observe(threads.pid(), threads.tids());
  LLRUN_TRY(threads.stop_all());
  auto capture = capture_stacks(source);
  LLRUN_TRY(look_at_sleeps(threads, sleeps));
  return capture;
}

// Whatever went wrong, those that were stopped run again.
Result<std::vector<ThreadStack>> stop_and_read(HostPid pid, StackSource& source, Sleeps& sleeps) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid));
  auto capture = capture_stopped(threads, source, sleeps);
  const auto shortened = sleeps.detach_from(threads);
  LLRUN_TRY(unless_gone(threads.detach_all()));
  LLRUN_TRY(shortened);
  if (!capture) return std::unexpected(std::move(capture).error());
  return named(*capture);
}

}  // namespace

Result<std::vector<ThreadStack>> symbolised_stacks(HostPid pid, const LiveStackOptions& options) {
  LiveSource source(pid,
                    options.root.empty() ? fmt::format("/proc/{}/root", pid.value) : options.root);
  if (options.already_stopped) return symbolised_stacks(source);
  Sleeps of_now;
  return stop_and_read(pid, source, options.sleeps != nullptr ? *options.sleeps : of_now);
}

}  // namespace llrun::tracer
