// Shadow: how a captured program becomes what stays of it at home: the original process, its ids
// and descriptors, one parked thread for each of the guest's; no program memory once it has been
// dropped.
//
// Its threads sleep in the stub page with no signal blocked and no handler, so each signal shows to
// the tracer as a SignalDelivery stop. Until drop_memory() all can be undone. Its life from there
// on is its keeper's (supervisor/shadow).
#pragma once

#include <utility>
#include <vector>

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/freeze.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/remote_arena.h"

namespace llrun::tracer {

class Shadow {
 public:
  // Park every thread of a captured program. On error the program is as it was, frozen, if that
  // could be done, and the error says which step failed.
  [[nodiscard]] static Result<Shadow> make(Freeze freeze, const image::Process& process);

  // Before drop_memory(): the program runs on as it was when captured. Its threads stay attached.
  [[nodiscard]] Result<ThreadSet> resume_as_was(const image::Process& process);
  // Unmap everything but the stub, the kernel's mappings and the argument and environment pages.
  [[nodiscard]] Result<> drop_memory();

  [[nodiscard]] HostPid pid() const { return threads_.pid(); }
  [[nodiscard]] HostTid main_thread() const { return HostTid{pid().value}; }
  [[nodiscard]] std::vector<HostTid> tids() const { return threads_.tids(); }
  [[nodiscard]] const StubPage& stub() const { return stub_; }

  // Signals that came since the capture and were met here: in no image, to be handled as if they
  // came now.
  [[nodiscard]] std::vector<siginfo_t> take_late_signals() {
    return std::exchange(late_signals_, {});
  }
  // Stop all threads and give them away, to be filled by a Restorer.
  [[nodiscard]] Result<ThreadSet> take_threads();

 private:
  Shadow(ThreadSet threads, StubPage stub) : threads_(std::move(threads)), stub_(stub) {}
  [[nodiscard]] Result<> park_all(const image::Process& process);
  [[nodiscard]] Result<> clear_all(const image::Process& process);
  [[nodiscard]] Result<> put_back(const image::Process& process);
  [[nodiscard]] Result<RemoteSyscalls> borrow(HostTid tid);
  [[nodiscard]] RemoteArena arena() const { return {pid(), stub_.arena()}; }
  [[nodiscard]] Result<> set_parked(const StoppedThread& token);

  ThreadSet threads_;
  StubPage stub_;
  std::vector<siginfo_t> late_signals_;
};

}  // namespace llrun::tracer
