// CallServer: decides what becomes of each system call that a guest's filter has notified.
//
// Continue it, have the shadow execute it (HomeCalls), ask home what is being opened, answer it
// here (CPU clocks), or ask for the program to be brought home. On the control thread. It may wait
// for nothing: what home has to say comes as a message, and the guest's thread waits in the kernel
// meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/event_loop.h"
#include "supervisor/guest/changed_files.h"
#include "supervisor/guest/core_limit.h"
#include "supervisor/guest/cpu_time.h"
#include "supervisor/guest/home_calls.h"
#include "supervisor/guest/world_paths.h"
#include "tracer/calls/judge.h"
#include "tracer/filter/notifier.h"

namespace llrun {

class CallServer {
 public:
  struct Callbacks {
    std::function<void(const protocol::JobMessage&)> send;
    std::function<void(std::string reason)> bring_home;
    IsHomeDescriptor is_home;
    std::function<std::optional<GuestTid>(HostTid)> guest_tid;
    std::function<std::uint64_t(HostTid)> signal_mask;
    // A thread that a signal has taken out of its call may go on to its signal now. `retry`: the
    // call has had no effect and is to be made anew, whatever the handler's flags.
    std::function<void(HostTid)> resume_signal;
    // Stop a thread that waits in its call: its outcome is to be put in place.
    std::function<void(HostTid)> interrupt;
    // A call that waits for its own descriptors has been let go natively.
    std::function<void(HostTid)> wait_goes_natively;
  };
  CallServer(HostPid guest, GuestPid self, Notifier notifier, const CallContext& context,
             CpuTime cpu_time, const CoreLimit& core_limit, Callbacks callbacks);

  [[nodiscard]] int fd() const { return notifier_.fd(); }
  // Whether the filter hands this call to us, whatever its arguments, as it may wait for home.
  [[nodiscard]] bool is_handed(std::uint64_t number) const;
  void on_readable();
  void on_classified(const protocol::Classified& answer);
  void on_home_call_done(const protocol::HomeCallDone& done);

  // What a thread that stopped with a signal was doing.
  enum class Interrupted {
    kNothing,   // no call of ours: let the signal be delivered
    kMakeAnew,  // a call without effect so far: rewind it, then deliver
    kWait,      // home has been asked to cancel; resume_signal follows
  };
  [[nodiscard]] Interrupted interrupted(HostTid tid);
  // How the thread's registers should look when its interrupted home call has been decided: the
  // value to return, or none: left as the kernel has it (restart codes), or EINTR-like for calls
  // that do not restart.
  struct Outcome {
    std::optional<std::int64_t> value;  // home had finished it
    bool restarts = true;
  };
  [[nodiscard]] std::optional<Outcome> take_outcome(HostTid tid);

  // The program is leaving: calls not yet made at home are given up; says whether any home call
  // must still be waited for (its answer comes by on_home_call_done and ends in resume_signal).
  void give_up_all();
  [[nodiscard]] bool home_calls_under_way() const { return !home_calls_.empty(); }
  [[nodiscard]] std::uint64_t home_calls_made() const { return next_id_ - 1; }
  // Threads whose notified call has had no effect: to be made again wherever they go on.
  [[nodiscard]] bool holds(HostTid tid) const { return held_.contains(tid); }
  // Lets that of a thread that `holds` end as at home, where it would wait, too, if a handler runs
  // before it is made again: take_outcome says how. False: it would not wait, and nothing is done.
  [[nodiscard]] bool end_as_at_home(HostTid tid);
  // Those of them that only home can make.
  [[nodiscard]] bool wants_home(HostTid tid) const;
  [[nodiscard]] bool wants_home() const;
  // Home could not have the program this time: each call that waits for it is notified anew when
  // its thread runs on, and waits on.
  void wait_on() { held_.clear(); }
  // Home can never have it: each such call fails, with this reason in the log.
  void deny(const std::string& why);
  void forget(HostTid tid);

 private:
  struct Classifying {
    NotifiedCall call;
    bool follow = true;
    protocol::Classify::Use use = protocol::Classify::USE_READ;
    int rounds = 0;                      // how often a path has led home and back
    std::vector<ChangedFile> then = {};  // to be asked about after this one
  };
  struct Held {
    NotifiedCall call;
    bool wants_home = false;
  };
  struct AtHome {
    NotifiedCall call;
    HomeCallPlan plan;
    bool cancelling = false;
    EventLoop::Clock::time_point begun;
  };
  void serve(const NotifiedCall& call);
  [[nodiscard]] bool is_notified_again(const NotifiedCall& call);
  void serve_open(const NotifiedCall& call);
  void serve_change(const NotifiedCall& call, std::vector<ChangedFile> files);
  void serve_place(Classifying open, const std::string& base, const std::string& path);
  void act_on(Classifying open, const Leads& leads);
  void none_of_home(Classifying open);
  [[nodiscard]] MagicLink magic_links() const;
  void serve_signal(const NotifiedCall& call);
  void serve_watched(const NotifiedCall& call);
  void serve_ending(const NotifiedCall& call);
  void serve_home_descriptor(const NotifiedCall& call);
  void serve_wait(const NotifiedCall& call);
  void make_at_home(const NotifiedCall& call, const std::string& else_because);
  void send_home_call(const NotifiedCall& call, HomeCallPlan plan);
  void natively(const NotifiedCall& call);
  void refuse(const NotifiedCall& call, int errno_value);
  void bring_home(const NotifiedCall& call, const std::string& why);
  void finish(AtHome at_home, const protocol::HomeCallDone& done);
  [[nodiscard]] Result<std::string> base_directory(int fd) const;
  [[nodiscard]] bool offset_descriptor(int fd) const;
  [[nodiscard]] NotifiedCall of_itself(NotifiedCall call) const;
  // It writes at home's offset of a file while the size of files is limited.
  [[nodiscard]] bool meets_size_limit(const NotifiedCall& call) const;

  HostPid guest_;
  GuestPid self_;
  Notifier notifier_;
  CallContext context_;
  CallJudge judge_;
  CallJudge
      judge_of_own_;  // as if nothing were at home: for numbers that mean something else by now
  CpuTime cpu_time_;
  CoreLimit core_limit_;
  Callbacks callbacks_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Classifying> classifying_;
  std::map<std::uint64_t, AtHome> home_calls_;
  std::map<HostTid, std::uint64_t> waiting_;  // thread -> id in one of the two
  std::map<HostTid, Outcome> outcomes_;
  std::map<HostTid, Held> held_;           // brought home for them, or given up
  std::map<HostTid, std::string> denied_;  // its next call that only home can do fails: why
};

}  // namespace llrun
