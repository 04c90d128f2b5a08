// ThreadSet: all threads of one traced process, seized and stopped together.
//
// It owns the knowledge of which threads there are and why each stopped. What was met on the way to
// a stop (clones, forks, an exec) is kept and handed out by take_met(): no event is lost.
//
// Threads may end between any two steps. One that has ended while it was stopped keeps its token,
// of which each use is kGone; it is in no list any more. A set that has seized its threads lets all
// of them go when it is destroyed, wherever it stands: detached, or waited for (letting_go.h).
// Threads that others have seized are left as they are: who has them says how they go on.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/ptrace/stop_event.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {

class ThreadSet {
 public:
  ThreadSet(ThreadSet&& other) noexcept;
  ThreadSet& operator=(ThreadSet&& other) noexcept;
  ~ThreadSet();

  // Attach to every thread of `pid`, those made meanwhile included. They run on.
  // PTRACE_O_TRACECLONE is added, so that later threads come attached, and PTRACE_O_TRACEEXEC.
  [[nodiscard]] static Result<ThreadSet> seize_all(HostPid pid, unsigned options = 0);
  // Threads that the caller has seized already and that run.
  [[nodiscard]] static ThreadSet of_running(HostPid pid, const std::vector<HostTid>& tids);
  // The same, but stopped.
  [[nodiscard]] static ThreadSet of_stopped(HostPid pid, std::vector<StoppedThread> threads);

  // Interrupt every thread and wait until each has stopped at a place where its registers are those
  // that the program will go on with. Threads that end or appear meanwhile are left out or taken
  // in. kTimeout when that takes longer for all of them: some may be stopped then.
  [[nodiscard]] Result<> stop_all(std::chrono::milliseconds timeout = kStopTimeout);
  // The same for one thread.
  [[nodiscard]] Result<> stop(HostTid tid, std::chrono::milliseconds timeout = kStopTimeout);
  // Let one stopped thread run, without a signal. One that has ended meanwhile is met as such by
  // the next stop.
  [[nodiscard]] Result<> go(HostTid tid);
  // The same, but with the signal that was about to be delivered.
  [[nodiscard]] Result<> go_as_it_was(HostTid tid);
  // Let every stopped thread run; a signal that was about to be delivered is delivered, a group
  // stop is kept (listen). Of all of them: the error is the first that is not somebody's end.
  [[nodiscard]] Result<> resume_all();
  // Let all of them go, those that run and those that have ended, too. The set is empty then.
  [[nodiscard]] Result<> detach_all();
  // From now on they end with us (PTRACE_O_EXITKILL), and stay as they are when the set goes.
  [[nodiscard]] Result<> bind_to_us();
  // Wait for those that have ended. Their process is told of as ended only then.
  void reap();
  [[nodiscard]] bool lets_go() const { return ours_to_let_go_; }

  [[nodiscard]] HostPid pid() const { return pid_; }
  [[nodiscard]] std::vector<HostTid> tids() const;  // the main thread first
  [[nodiscard]] bool all_stopped() const;
  // The token of a thread that is stopped, or has ended since; for one that runs it is a mistake of
  // ours.
  [[nodiscard]] const StoppedThread& stopped(HostTid tid) const;
  [[nodiscard]] bool gets_signal(HostTid tid) const;
  // The signal that `tid` was about to get when it stopped: dequeued, so whoever injects calls into
  // the thread must queue it again. It is given once.
  [[nodiscard]] std::optional<siginfo_t> take_signal(HostTid tid);
  // The group stop the process is in (job control), or 0.
  [[nodiscard]] int group_stop_signal() const;
  // Everything met while stopping that is not a stop itself, in order.
  [[nodiscard]] std::vector<StopEvent> take_met();

  // An event of a member that the caller has waited for.
  [[nodiscard]] Result<> note_event(const StopEvent& event);
  // A thread that the caller has stopped, with the signal that it is about to get; or saw end.
  void add_stopped(StoppedThread thread, std::optional<siginfo_t> signal = {});
  void forget(HostTid tid);
  // Give a token away, to resume that thread alone.
  [[nodiscard]] StoppedThread take_stopped(HostTid tid);

 private:
  struct Member {
    std::optional<StoppedThread> token;  // empty: runs
    std::optional<siginfo_t> signal;     // was about to be delivered
    int group_stop = 0;
    bool first_stop_due = false;  // came attached: stops by itself
    bool over = false;            // has ended, or has another id
  };
  explicit ThreadSet(HostPid pid) : pid_(pid) {}
  [[nodiscard]] Result<bool> take_in_new_threads(unsigned options);
  [[nodiscard]] Result<> take_in(HostTid tid, unsigned options);
  // One look at a thread that runs. True when it has stopped for good, or is over.
  [[nodiscard]] Result<bool> look_at(HostTid tid);
  [[nodiscard]] Result<> await_stops(const std::vector<HostTid>& tids,
                                     std::chrono::steady_clock::time_point deadline);
  // True when the thread is now stopped for good, or gone.
  [[nodiscard]] Result<bool> meet(HostTid tid, const StopEvent& event);
  void note_over(HostTid tid);
  [[nodiscard]] bool has_others_than_main() const;
  [[nodiscard]] std::vector<HostTid> running() const;

  HostPid pid_;
  std::map<HostTid, Member> members_;
  std::vector<StopEvent> met_;
  bool ours_to_let_go_ = false;
};

}  // namespace llrun::tracer
