// Signals: the program's actions, and signals that wait to be delivered.
#pragma once

#include <signal.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

using SignalActions = google::protobuf::RepeatedPtrField<image::SignalAction>;
using SignalInfos = google::protobuf::RepeatedPtrField<image::SignalInfo>;

// All 64 actions but those of SIGKILL and SIGSTOP (rt_sigaction(2)).
[[nodiscard]] Result<> capture_actions(RemoteSyscalls& calls, RemoteArena arena,
                                       SignalActions& into);
[[nodiscard]] Result<> restore_actions(RemoteSyscalls& calls, RemoteArena arena,
                                       const SignalActions& actions);
// What a shadow does: ignored stays ignored (what it starts sees that too), all else is default.
[[nodiscard]] Result<> reset_handlers(RemoteSyscalls& calls, RemoteArena arena,
                                      const SignalActions& actions);

[[nodiscard]] image::SignalInfo record_of_signal(const siginfo_t& info);
[[nodiscard]] Result<siginfo_t> signal_of_record(const image::SignalInfo& record);

// Queue the signals, with their siginfo, to the borrowed thread or to its process.
[[nodiscard]] Result<> queue_to_thread(RemoteSyscalls& calls, RemoteArena arena,
                                       const SignalInfos& signals);
[[nodiscard]] Result<> queue_to_process(RemoteSyscalls& calls, RemoteArena arena,
                                        const SignalInfos& signals);
// Take every signal that waits for the thread or its process out of the queues (rt_sigtimedwait).
[[nodiscard]] Result<std::vector<siginfo_t>> drain_signals(RemoteSyscalls& calls,
                                                           RemoteArena arena);

}  // namespace llrun::tracer
