// ShadowKeeper: the life of what stays at home once a program has moved: the same process, the same
// threads, no program in them.
//
// Its threads sleep in the stub. A signal that meets it wakes one of them to a ptrace stop, is
// handed on to the guest and suppressed here. System calls of the guest that belong to home are
// executed by the thread of the same id. Whatever ends the guest ends the shadow in the same way,
// so that its parent sees what it would have seen. On the control thread, which owns ptrace.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/protocol/job.pb.h"
#include "tracer/ptrace/held_thread.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/remote_arena.h"

namespace llrun {

class ShadowKeeper {
 public:
  struct Callbacks {
    std::function<void(const siginfo_t&, GuestTid)> signal;  // tid 0: the process
    std::function<void(const protocol::HomeCallDone&)> call_done;
    std::function<void(const tracer::StopKind&)> ended;  // Exited or Killed, of the whole process
  };
  // `threads`: parked in the stub at `page`, running, seized by this thread.
  ShadowKeeper(HostPid pid, tracer::StubPage page, const std::vector<HostTid>& threads,
               Callbacks callbacks);

  void on_sigchld();
  // The process is dead (its pidfd says so), and its end may have been met by whoever held it.
  void on_died();

  void start_call(const protocol::HomeCall& call);
  void cancel_call(std::uint64_t id);

  // The guest has stopped by job control: so does the shadow, by the same signal.
  void stop_like_guest(int signal);

  // A thread for one that the guest wants to make; it has the id that home's kernel chose.
  [[nodiscard]] Result<HostTid> new_thread();
  void end_thread(HostTid tid);

  // The guest has closed its last descriptor of what this one refers to.
  [[nodiscard]] Result<> close_fd(int number);

  // End as the guest has ended; `ended` follows.
  [[nodiscard]] Result<> end_like_guest(int wait_status);

  // Stop all threads, so that the program can be put back; home calls must have been decided. A
  // signal that one of them was about to get is handed on as always.
  [[nodiscard]] Result<tracer::ThreadSet> stop_all();
  // End one of them while they are stopped.
  [[nodiscard]] Result<> end_stopped_thread(tracer::ThreadSet& threads, HostTid tid);
  // The return has failed: a shadow again.
  [[nodiscard]] Result<> park_all(tracer::ThreadSet threads, tracer::StubPage page);

  [[nodiscard]] HostPid pid() const { return pid_; }
  [[nodiscard]] const tracer::StubPage& page() const { return page_; }
  [[nodiscard]] std::vector<HostTid> tids() const;
  [[nodiscard]] bool has_ended() const { return ended_; }

 private:
  struct Call {
    protocol::HomeCall call;
    std::uint64_t slot = 0;  // its buffers' room in the arena
    std::vector<tracer::RemoteAddr> buffers;
    bool cancelled = false;  // as soon as its thread can be stopped
  };
  struct Thread {
    std::optional<Call> call;
    bool newborn = false;  // its first stop is due; then it is parked
    bool told = false;     // of the signal that its call has raised, which it has yet to meet
  };
  void handle(const tracer::StopEvent& event);
  void on_signal(HostTid tid, tracer::StoppedThread token, const siginfo_t& info);
  void hand_on(HostTid tid, const siginfo_t& info);
  // The thread stands at the trap behind its call: take the result.
  [[nodiscard]] bool finished_call(HostTid tid, const tracer::StoppedThread& token,
                                   const siginfo_t& info);
  [[nodiscard]] bool stands_at_trap(HostTid tid, const tracer::StoppedThread& token) const;
  void finish_call(HostTid tid, const tracer::StoppedThread& token, std::int64_t value);
  void add_outputs(const Call& call, std::int64_t value, protocol::HomeCallDone& done) const;
  void give_up_call(HostTid tid, const tracer::StoppedThread& token);
  // `refusal`: why it was not even begun; empty: a signal, or the guest, wanted it so.
  void answer_cancelled(const protocol::HomeCall& call, const std::string& refusal = {});
  [[nodiscard]] Result<> place_call(const tracer::StoppedThread& token, Call& call);
  [[nodiscard]] Result<tracer::HeldThread> stop_thread(
      HostTid tid, std::chrono::milliseconds patience = tracer::kStopTimeout);
  void look_for_ends();
  // By a main thread that is stopped for it.
  [[nodiscard]] Result<HostTid> make_thread(const tracer::StoppedThread& main);
  void park(tracer::StoppedThread token);
  [[nodiscard]] Result<> exit_with(const tracer::StoppedThread& token, int status);
  [[nodiscard]] Result<> let_signal_kill(const tracer::StoppedThread& token, int signal);
  void start_waiting_calls();
  [[nodiscard]] Result<> add_arena(const tracer::StoppedThread& token);
  [[nodiscard]] Result<std::uint64_t> take_slot(const tracer::StoppedThread& token);
  void give_slot(std::uint64_t slot);

  HostPid pid_;
  tracer::StubPage page_;
  Callbacks callbacks_;
  std::map<HostTid, Thread> threads_;
  // A slot a call under way. Any number of threads may wait in calls: there are as many arenas as
  // they need, and where no more memory is to be had the others wait.
  std::vector<tracer::RemoteRange> arenas_;
  std::vector<bool> slots_used_;
  std::deque<protocol::HomeCall> waiting_calls_;
  int stopping_by_ = 0;  // the signal that the shadow was told to stop by, until it meets it
  bool ended_ = false;
  bool held_ = false;  // somebody else meets the events (stop_all)
};

}  // namespace llrun
