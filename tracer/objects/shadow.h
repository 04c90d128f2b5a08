// Shadow: what stays at home of a program that has moved. The original process, its ids and
// descriptors, one parked thread for each of the guest's; no program memory once it has been
// dropped.
//
// Its threads sleep in the stub page with no signal blocked and no handler, so each signal shows to
// the tracer as a SignalDelivery stop. Whoever owns the Shadow owns its wait events: poll_stop() on
// each tid. A thread seen stopped there is resumed (signal 0, or listen) before anything is asked
// of the Shadow.
#pragma once

#include <functional>
#include <map>
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

  // Signals that came between capture and parking: in no image, to be handled as if they came now.
  [[nodiscard]] std::vector<siginfo_t> take_late_signals() {
    return std::exchange(late_signals_, {});
  }
  // Events met while a thread was stopped for a call: to be handled like those of poll_stop(), but
  // the thread runs already.
  [[nodiscard]] std::vector<StopEvent> take_events();

  // Stop one thread, make calls in it, let it sleep on. The work may use all of the arena.
  using Work = std::function<Result<>(RemoteSyscalls& calls, RemoteArena arena)>;
  [[nodiscard]] Result<> in_thread(HostTid tid, const Work& work);

  [[nodiscard]] Result<HostTid> new_thread();  // parked, its id chosen by the kernel
  [[nodiscard]] Result<> end_thread(HostTid tid);
  // End as the program ended; the wait event of the main thread.
  [[nodiscard]] Result<StopEvent> exit_group(int status);
  [[nodiscard]] Result<StopEvent> die_by(int signal);

  // A thread whose end the owner saw.
  void forget(HostTid tid) { threads_.forget(tid); }
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
  [[nodiscard]] Result<> default_action_for(int signal);
  [[nodiscard]] Result<StopEvent> wait_for_all();

  ThreadSet threads_;
  StubPage stub_;
  std::vector<siginfo_t> late_signals_;
  std::vector<StopEvent> events_;
};

}  // namespace llrun::tracer
