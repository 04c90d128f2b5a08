#include "tracer/ptrace/interruption.h"

#include <cerrno>

#include "tracer/arch/x86_64/restart.h"

namespace llrun::tracer {
namespace {

bool any_unblocked(const std::vector<siginfo_t>& queued, std::uint64_t mask) {
  for (const auto& info : queued)
    if ((mask >> (info.si_signo - 1) & 1) == 0) return true;
  return false;
}

}  // namespace

Result<bool> signal_waits(const StoppedThread& thread) {
  LLRUN_TRY_ASSIGN(const auto mask, signal_mask(thread));
  LLRUN_TRY_ASSIGN(const auto own, queued_signals(thread, SignalQueue::kThread));
  LLRUN_TRY_ASSIGN(const auto shared, queued_signals(thread, SignalQueue::kProcess));
  return any_unblocked(own, mask) || any_unblocked(shared, mask);
}

Result<> undo_interruption(const StoppedThread& thread) {
  LLRUN_TRY_ASSIGN(const auto found, registers(thread));
  if (static_cast<std::int64_t>(found.rax) != -EINTR) return {};
  LLRUN_TRY_ASSIGN(const bool waits, signal_waits(thread));
  return set_registers(thread, travelling_registers(found, waits));
}

}  // namespace llrun::tracer
