#include "tracer/objects/signals.h"

#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

namespace llrun::tracer {
namespace {

constexpr int kSignals = 64;
constexpr std::size_t kMaskSize = 8;
constexpr int kMaxDrained = 100'000;

// The kernel's struct sigaction (arch/x86/include/uapi/asm/signal.h), not the C library's.
struct KernelAction {
  std::uint64_t handler = 0;
  std::uint64_t flags = 0;
  std::uint64_t restorer = 0;
  std::uint64_t mask = 0;
};

bool has_an_action(int signal) { return signal != SIGKILL && signal != SIGSTOP; }

image::SignalAction record_of(int signal, const KernelAction& action) {
  image::SignalAction record;
  record.set_signal(signal);
  record.set_handler(action.handler);
  record.set_flags(action.flags);
  record.set_restorer(action.restorer);
  record.set_mask(action.mask);
  return record;
}

Result<> set_action(Batch& batch, int signal, const KernelAction& action) {
  LLRUN_TRY_ASSIGN(const auto place, batch.arena().put_value(action));
  batch.add(SYS_rt_sigaction, signal, place, 0, kMaskSize);
  return {};
}

}  // namespace

Result<> capture_actions(RemoteSyscalls& calls, RemoteArena arena, SignalActions& into) {
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto place, batch.arena().reserve(kSignals * sizeof(KernelAction)));
  const auto place_of = [&](int signal) {
    return place + static_cast<std::uint64_t>(signal - 1) * sizeof(KernelAction);
  };
  for (int signal = 1; signal <= kSignals; ++signal)
    if (has_an_action(signal)) batch.add(SYS_rt_sigaction, signal, 0, place_of(signal), kMaskSize);
  LLRUN_TRY(batch.run_all_must_succeed("read signal actions"));
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (!has_an_action(signal)) continue;
    LLRUN_TRY_ASSIGN(const auto action, batch.read<KernelAction>(place_of(signal)));
    *into.Add() = record_of(signal, action);
  }
  return {};
}

Result<> restore_actions(RemoteSyscalls& calls, RemoteArena arena, const SignalActions& actions) {
  Batch batch(calls, arena);
  for (const auto& action : actions)
    if (has_an_action(action.signal()))
      LLRUN_TRY(set_action(batch, action.signal(),
                           {action.handler(), action.flags(), action.restorer(), action.mask()}));
  return batch.run_all_must_succeed("restore signal actions");
}

Result<> reset_handlers(RemoteSyscalls& calls, RemoteArena arena, const SignalActions& actions) {
  const auto ignore = reinterpret_cast<std::uint64_t>(SIG_IGN);
  Batch batch(calls, arena);
  for (const auto& action : actions)
    if (has_an_action(action.signal()))
      LLRUN_TRY(
          set_action(batch, action.signal(), {action.handler() == ignore ? ignore : 0, 0, 0, 0}));
  return batch.run_all_must_succeed("reset signal actions");
}

image::SignalInfo record_of_signal(const siginfo_t& info) {
  image::SignalInfo record;
  record.set_siginfo(&info, sizeof info);
  return record;
}

Result<siginfo_t> signal_of_record(const image::SignalInfo& record) {
  siginfo_t info{};
  if (record.siginfo().size() != sizeof info)
    return failure(ErrorCode::kProtocol, "a signal of an image has the wrong size");
  std::memcpy(&info, record.siginfo().data(), sizeof info);
  return info;
}

Result<> queue_to_thread(RemoteSyscalls& calls, RemoteArena arena, const SignalInfos& signals) {
  for (const auto& record : signals) {
    LLRUN_TRY_ASSIGN(const auto info, signal_of_record(record));
    LLRUN_TRY(queue_signal_to_thread(calls, info, arena.range().start));
  }
  return {};
}

Result<> queue_to_process(RemoteSyscalls& calls, RemoteArena arena, const SignalInfos& signals) {
  for (const auto& record : signals) {
    LLRUN_TRY_ASSIGN(const auto info, signal_of_record(record));
    LLRUN_TRY(queue_signal_to_process(calls, info, arena.range().start));
  }
  return {};
}

Result<std::vector<siginfo_t>> drain_signals(RemoteSyscalls& calls, RemoteArena arena) {
  arena.clear();
  LLRUN_TRY_ASSIGN(const auto set, arena.put_value(~std::uint64_t{0}));
  LLRUN_TRY_ASSIGN(const auto no_time, arena.put_value(timespec{}));
  LLRUN_TRY_ASSIGN(const auto place, arena.put_value(siginfo_t{}));
  std::vector<siginfo_t> drained;
  while (drained.size() < kMaxDrained) {
    const auto got = calls.call(SYS_rt_sigtimedwait, set, place, no_time, kMaskSize);
    if (!got && got.error().errno_value == EAGAIN) return drained;
    if (!got) return std::unexpected(got.error());
    LLRUN_TRY_ASSIGN(const auto info, read_value<siginfo_t>(calls.pid(), place));
    drained.push_back(info);
  }
  return drained;
}

}  // namespace llrun::tracer
