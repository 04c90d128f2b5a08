// Stop a live process for a moment, read its stacks, let it go.
#include <fmt/format.h>

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

Result<Capture> capture_stopped(ThreadSet& threads, StackSource& source) {
  LLRUN_TRY(threads.stop_all());
  return capture_stacks(source);
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
