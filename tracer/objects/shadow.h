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
  // Park every thread of a captured program. On error the program is as it was, if that could be
  // done, and goes on or stays stopped as its set of threads has it; the error says which step
  // failed.
  [[nodiscard]] static Result<Shadow> make(Freeze freeze, const image::Process& process);

  // Before drop_memory(): it becomes the program that was captured, stopped.
  [[nodiscard]] Result<> become_program(const image::Process& process);
  // Nobody is attached to it any more.
  [[nodiscard]] Result<> detach_all();
  // It becomes the program and runs on. Its threads stay attached.
  [[nodiscard]] Result<ThreadSet> resume_as_was(const image::Process& process);
  // What they sleep in again then.
  [[nodiscard]] Sleeps take_sleeps() { return std::move(sleeps_); }
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
  // Wait for those that have ended, until somebody keeps the shadow.
  void reap() { threads_.reap(); }

 private:
  Shadow(ThreadSet threads, StubPage stub) : threads_(std::move(threads)), stub_(stub) {}
  [[nodiscard]] Result<> park_all(const image::Process& process);
  [[nodiscard]] Result<> clear_all(const image::Process& process);
  [[nodiscard]] Result<> put_back(const image::Process& process);
  [[nodiscard]] Result<> put_back_thread(HostTid tid, const image::Thread& thread,
                                         const image::Process& process);
  [[nodiscard]] Result<> drop_memory_in_main();
  [[nodiscard]] Result<RemoteSyscalls> borrow(HostTid tid);
  [[nodiscard]] RemoteArena arena() const { return {pid(), stub_.arena()}; }
  [[nodiscard]] Result<> set_parked(const StoppedThread& token);

  ThreadSet threads_;
  StubPage stub_;
  std::vector<siginfo_t> late_signals_;
  Sleeps sleeps_;
};

}  // namespace llrun::tracer
