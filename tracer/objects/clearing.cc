#include "tracer/objects/clearing.h"

#include <algorithm>

#include "tracer/objects/posix_timers.h"
#include "tracer/objects/signals.h"
#include "tracer/objects/threads.h"
#include "tracer/objects/timers.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {
namespace {

bool is_record_of(const siginfo_t& info, const image::SignalInfo& record) {
  const auto recorded = signal_of_record(record);
  return recorded && same_signal(info, *recorded);
}

// Those of `drained` that the image does not have.
std::vector<siginfo_t> not_in_image(std::vector<siginfo_t> drained, const image::Process& process) {
  const auto strike_out = [&drained](const SignalInfos& records) {
    for (const auto& record : records) {
      const auto found = std::ranges::find_if(
          drained, [&](const auto& info) { return is_record_of(info, record); });
      if (found != drained.end()) drained.erase(found);
    }
  };
  strike_out(process.pending());
  for (const auto& thread : process.threads()) strike_out(thread.pending());
  // Ticks since the capture: the timers ring elsewhere instead.
  if (!process.posix_timers().empty())
    std::erase_if(drained, [](const siginfo_t& info) { return info.si_code == SI_TIMER; });
  std::erase_if(drained, [&process](const siginfo_t& info) {
    return has_rung_since(info, process.interval_timers());
  });
  return drained;
}

Result<> clear_thread(RemoteSyscalls& calls, RemoteArena arena, const image::Process& process) {
  if (calls.tid().value == calls.pid().value) {
    LLRUN_TRY(stop_interval_timers(calls, arena));
    LLRUN_TRY(delete_posix_timers(calls, arena, process.posix_timers()));
  }
  return clear_thread_state(calls, arena);
}

}  // namespace

bool same_signal(const siginfo_t& a, const siginfo_t& b) {
  return a.si_signo == b.si_signo && a.si_code == b.si_code && a.si_pid == b.si_pid &&
         a.si_value.sival_ptr == b.si_value.sival_ptr;
}

Result<std::vector<siginfo_t>> clear_program(ThreadSet& threads, const StubPage& stub,
                                             const image::Process& process) {
  const RemoteArena arena(threads.pid(), stub.arena());
  const HostTid main{threads.pid().value};
  std::vector<siginfo_t> drained;
  for (const auto tid : threads.tids()) {
    LLRUN_TRY_ASSIGN(auto calls,
                     RemoteSyscalls::borrow(threads.pid(), threads.stopped(tid), stub.site()));
    LLRUN_TRY(clear_thread(calls, arena, process));
    LLRUN_TRY_ASSIGN(const auto signals, drain_signals(calls, arena));
    drained.insert(drained.end(), signals.begin(), signals.end());
    const auto traps = calls.take_traps();
    drained.insert(drained.end(), traps.begin(), traps.end());
    LLRUN_TRY(calls.finish());
  }
  LLRUN_TRY_ASSIGN(auto calls,
                   RemoteSyscalls::borrow(threads.pid(), threads.stopped(main), stub.site()));
  LLRUN_TRY(reset_handlers(calls, arena, process.actions()));
  LLRUN_TRY(calls.finish());
  return not_in_image(std::move(drained), process);
}

}  // namespace llrun::tracer
