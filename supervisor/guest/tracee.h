// Tracee: the guest's threads as their tracer sees them: every ptrace event is met here.
//
// The guest stays seized for its whole life away: only so can signals be given with their true
// siginfo, thread ids be those of home, and a call that waits be taken back. On the control thread,
// which owns ptrace.
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

#include "supervisor/guest/call_server.h"
#include "supervisor/guest/clone_call.h"
#include "supervisor/guest/sent_signals.h"
#include "supervisor/world/world.h"
#include "tracer/objects/sleeps.h"
#include "tracer/ptrace/thread_set.h"

namespace llrun {

class Tracee {
 public:
  struct Callbacks {
    std::function<void(GuestTid creator)> thread_wanted;
    std::function<void(GuestTid ended)> thread_ended;
    std::function<void(int signal)> group_stopped;
    std::function<void(int wait_status)> ended;  // the whole process; nothing is left of it
    std::function<void(std::string reason)> bring_home;
    // Whether the program's limits let it leave a core dump, which only home can write as it would
    // have been.
    std::function<bool()> core_belongs_home;
    // It has done what its filter lets nobody do (docs/world.md, "What binds a guest"). No thread
    // of it that is stopped goes on.
    std::function<void(std::string what)> breaks_out;
  };
  Tracee(HostPid pid, World& world, Callbacks callbacks);

  // A thread beyond so many is made at home; 0: any number is made here.
  void set_most_threads(std::size_t most) { most_threads_ = most; }
  void set_call_server(CallServer* server) { server_ = server; }
  // The threads, stopped, once they are filled with the program.
  void adopt(GuestTid guest, tracer::StoppedThread thread);
  [[nodiscard]] Result<> run();  // let all of them go
  // What they sleep in: from whoever has filled or captured them, and for whoever captures them.
  void know_sleeps(tracer::Sleeps sleeps);
  [[nodiscard]] tracer::Sleeps take_sleeps() { return std::move(sleeps_); }
  // CallServer: a call that waits was let go natively.
  void wait_goes_natively(HostTid tid) { sleeps_.goes_natively(pid_, tid); }

  void on_sigchld();  // look for events of every thread
  // A signal that met the shadow at home; tid 0: for the process.
  void deliver(const siginfo_t& info, GuestTid tid);
  // Home's answer to thread_wanted: an id, or an error number for the creator's call.
  void thread_made(GuestTid creator, GuestTid made, int error);
  void resume_signal(HostTid tid);  // CallServer: the home call is decided
  void interrupt(HostTid tid);      // CallServer: there is an outcome for the call that it waits in

  // Stop everything, to be captured. Until run() or the end. kTimeout, and everything runs on, when
  // a thread has not stopped in time: it waits for a file of home's.
  [[nodiscard]] Result<tracer::ThreadSet> stop_all(std::chrono::milliseconds patience);
  // Halt at the end of a lease: no thread goes on to a next instruction, whatever it waits for now.
  // What happens meanwhile is kept until go_on(). A thread that waits for a file of home's cannot
  // act and need not stop.
  void halt();
  void go_on();
  // Stop every thread for a moment, show it to `look`, and let it go on as if it had not been. One
  // that has not stopped in time waits for a file of home's, and is left out.
  using Look = std::function<void(HostTid, const tracer::StoppedThread&)>;
  void look_at_threads(std::chrono::milliseconds patience, const Look& look);
  // Run on after stop_all(): threads that were stopped are as they were.
  [[nodiscard]] Result<> run_on(tracer::ThreadSet threads);
  // A stopped thread in a notified call: as it should go on elsewhere, with home's answer or to
  // make it anew.
  void settle_call(const tracer::StoppedThread& token);
  // Whether a thread that has not stopped the last time still waits for that same file: to try
  // again would be in vain.
  [[nodiscard]] bool still_waits_for_file() const;
  // A thread waits for the program to be at home, to make a child or to end with a core dump.
  [[nodiscard]] bool wants_home() const;
  // Every thread does, for that or for a call: none of them can change what holds it.
  [[nodiscard]] bool all_wait_for_home() const;
  // The program stays: signals that wait here to end it at home are its own again, and what cannot
  // ever be done at home fails.
  void stay(bool for_good);
  // Threads that run again after stop_all() by other means.
  void note_running();
  [[nodiscard]] bool stopped() const { return frozen_; }
  [[nodiscard]] bool ended() const { return ended_; }
  // A signal that waits here, as it was sent: to those that come from home we give a mark.
  [[nodiscard]] siginfo_t as_sent(const siginfo_t& info) const { return sent_.truth(info); }
  // Held fatal signals, to be queued at home.
  [[nodiscard]] const std::vector<siginfo_t>& held_signals() const { return held_signals_; }

  [[nodiscard]] std::optional<GuestTid> guest_tid(HostTid tid) const;
  [[nodiscard]] std::optional<HostTid> host_tid(GuestTid tid) const;
  // The thread's mask, also while it waits in a notified call. /proc/PID/task/TID/status.
  [[nodiscard]] std::uint64_t signal_mask(HostTid tid) const;
  [[nodiscard]] HostPid pid() const { return pid_; }
  [[nodiscard]] std::size_t thread_count() const { return threads_.size(); }

 private:
  struct Thread {
    GuestTid guest;
    std::optional<tracer::StoppedThread> token;  // stopped, and kept so for a reason
    int signal = 0;                              // that waits for the home call to be decided
    bool making_thread = false;
    CloneCall clone;  // what it makes it by
    // Its registers are those of a clone call of ours until they are given back; these were the
    // program's.
    std::optional<tracer::Registers> before_clone;
    bool awaits_first_stop = false;
    bool waits_for_signal = false;  // in rt_sigtimedwait, whose result may be a signal of ours
    bool wants_home = false;        // to make a child, or to end with a core dump
    bool denied = false;            // home can never have it: the next such call fails
  };
  // A thread that did not stop in time, and how often it had slept by then.
  struct Unstopped {
    HostTid tid;
    std::uint64_t sleeps = 0;
  };
  struct Birth {
    HostTid creator;
    GuestTid id;
    bool seen = false;
  };
  // halt(), and whether every thread has stopped in time. Its event is kept until go_on().
  [[nodiscard]] bool halt_within(std::chrono::milliseconds patience);
  [[nodiscard]] std::vector<HostTid> running() const;
  [[nodiscard]] std::uint64_t sleeps_of(HostTid tid) const;
  void handle(const tracer::StopEvent& event);
  void on_signal(HostTid tid, tracer::StoppedThread token, const tracer::SignalDelivery& delivery);
  void on_group_stop(HostTid tid, tracer::StoppedThread token, int signal);
  void on_event_stop(HostTid tid, tracer::StoppedThread token);
  void on_traced_call(HostTid tid, tracer::StoppedThread token, bool injected);
  void on_clone_call(HostTid tid, tracer::StoppedThread token, const tracer::Registers& registers);
  void end_without_core(tracer::StoppedThread token, int signal);
  void tell_taken_signal(const tracer::StoppedThread& token);
  void on_clone(HostTid creator, tracer::StoppedThread token, HostTid child);
  void on_syscall_stop(HostTid tid, tracer::StoppedThread token);
  void on_end(HostTid tid, const tracer::StopEvent& event);
  void take_back(const tracer::StoppedThread& token);
  void go_from_call(HostTid tid, tracer::StoppedThread token, int signal);
  static void hand_over(Thread& thread, tracer::ThreadSet& set);
  void on_unexpected_child(HostPid child);
  [[nodiscard]] Result<> begin_birth(tracer::StoppedThread token, Thread& creator);
  void give_back_registers(const tracer::StoppedThread& token);
  void start_next_birth();
  void end_birth();
  [[nodiscard]] Result<> finish_births();
  void fail_birth(HostTid creator, int error);
  void go(tracer::StoppedThread token, int signal = 0);
  [[nodiscard]] bool in_signal_set(const char* set, int signal) const;
  [[nodiscard]] bool dumps_core(int signal) const;
  void look_at_sleep(const tracer::StoppedThread& token);
  void leave_interrupted_wait(tracer::StoppedThread token);
  void make_anew(const tracer::StoppedThread& token);
  void apply_outcome(const tracer::StoppedThread& token);

  HostPid pid_;
  World& world_;
  Callbacks callbacks_;
  CallServer* server_ = nullptr;
  std::size_t most_threads_ = 0;
  std::map<HostTid, Thread> threads_;
  tracer::Sleeps sleeps_;
  SentSignals sent_;
  std::deque<Birth> births_;  // the front one is under way
  std::vector<siginfo_t> held_signals_;
  std::vector<Unstopped> unstopped_;
  int ended_by_ = 0;  // the signal that the program has died of, where we have seen to its end
  bool group_stopped_ = false;
  bool halted_ = false;
  std::vector<tracer::StopEvent> kept_events_;
  bool frozen_ = false;
  bool ended_ = false;
};

}  // namespace llrun
