// Reaper: waits for threads that end while their tracer cannot.
//
// Attaching to a thread waits for an exec of its process (kernel/ptrace.c, ptrace_attach: the
// cred_guard_mutex); the exec waits for the other threads to be waited for (fs/exec.c, de_thread);
// and those that are traced are waited for by their tracer, which attaches. Any thread of the
// tracer's process may do it (wait(2)): this one does.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/thread.h"

namespace llrun::tracer {

class Reaper {
 public:
  // `threads`: those of `process` that are traced by now.
  Reaper(HostPid process, const std::vector<HostTid>& threads)
      : process_(process), watched_(threads.begin(), threads.end()) {
    // Without it an exec in just this moment waits until this process ends.
    if (auto thread = make_thread([this] { run(); })) thread_ = std::move(*thread);
  }
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;
  ~Reaper();

  void watch(HostTid tid);

 private:
  void run();

  HostPid process_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<HostTid> watched_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace llrun::tracer
