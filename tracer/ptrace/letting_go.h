// LettingGo: the end of having been attached. Every thread that was seized is detached, or, when it
// has ended, waited for: as long as one has not been, its process stays a zombie that its parent is
// not told of, another thread's exec does not come to its end, and a thread that we stay attached
// to stops for good at its next signal.
//
// What the kernel does when threads end one after another: ptrace(2), "Death under ptrace" and
// "execve(2) under ptrace"; tests/kernel/tracer/death_test.cc.
#pragma once

#include <chrono>
#include <cstddef>
#include <set>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {

class LettingGo {
 public:
  explicit LettingGo(HostPid pid) : pid_(pid) {}

  // A thread that is stopped runs on, with the signal that it was about to get.
  void detach(StoppedThread thread, int signal);
  // One that runs has to stop for it.
  void stop_and_detach(HostTid tid);
  // One that has been seen to end, or to be gone: another may have taken its id.
  void look_again(HostTid tid);

  // Goes on past each that has ended, until no thread of the process is attached. The first real
  // error; what has not stopped in time is told as kTimeout, and is let go later.
  [[nodiscard]] Result<> finish(std::chrono::milliseconds patience);

 private:
  [[nodiscard]] bool settle_all();
  void look_for_unknown();

  HostPid pid_;
  std::set<HostTid> attached_;
  bool irregular_ = false;  // somebody ran: there may be threads that nobody has told us of
  Result<> done_;
};

// Threads that could not be let go when they should have been: one waits in the kernel where
// nothing interrupts it, or is a main thread that has ended before the others. Whoever has let
// programs go and lives on calls this at each SIGCHLD. Returns how many are left. Of this OS
// thread.
std::size_t let_go_stragglers();
// One that is cared for again is none of them any more. True if it was.
bool was_straggler(HostTid tid);

}  // namespace llrun::tracer
