// Threads: what the kernel keeps for each, captured and restored.
#pragma once

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/sleeps.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

// Needs a few injected calls in the thread; its process-wide signals are not part of it.
[[nodiscard]] Result<image::Thread> capture_thread(Freeze& freeze, const FrozenThread& thread);

// What the kernel keeps for a thread besides its registers: name, tid address, robust list,
// alternate stack, timer slack, rseq, and the signals that wait for it. `calls` is borrowed from
// that thread, whose memory is complete.
[[nodiscard]] Result<> restore_thread_state(RemoteSyscalls& calls, RemoteArena arena,
                                            const image::Thread& thread);
// Take these away again, as far as it has them, so that the kernel does not touch memory that will
// be gone.
[[nodiscard]] Result<> clear_thread_state(RemoteSyscalls& calls, RemoteArena arena);

// Registers, extended state, mask: after this the thread is what it was, still stopped. A call that
// sleeps for a time is begun again first (restart block), so `thread` must be able to make its own
// system calls. What it sleeps in is noted in `sleeps`: who lets it go needs that.
[[nodiscard]] Result<> restore_registers(HostPid pid, const StoppedThread& token,
                                         const image::Thread& thread, RemoteArena arena,
                                         Sleeps& sleeps);

[[nodiscard]] Result<Registers> registers_of(const image::Thread& thread);

}  // namespace llrun::tracer
