// Sleeps: the calls with a time limit that the threads of a program sleep in, and when each ends.
//
// The kernel tells neither: how long a thread has slept is seen only until it is stopped for the
// first time (tracer/procfs/sched.h), and after a restart even the call's number is hidden. So
// whoever stops threads and lets them go on keeps this: what he has seen, and begun again himself,
// he knows. With it no wait ends early, or starts anew, however often its thread is stopped or
// moved. It belongs to one program; ids are this machine's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "tracer/objects/shortened_call.h"
#include "tracer/ptrace/thread_set.h"

namespace llrun::tracer {

struct Sleep {
  Registers call{};                    // in the call; orig_rax is its number
  std::optional<std::uint64_t> until;  // CLOCK_MONOTONIC of this machine, ns; none: no time limit
};

class Sleeps {
 public:
  // Calls that a filter hands to this very thread, which must not wait until they are asleep.
  using Handed = std::function<bool(std::uint64_t number)>;
  void set_handed(Handed handed) { handed_ = std::move(handed); }

  // Before they are interrupted: since when each of them sleeps.
  void observe(HostPid pid, const std::vector<HostTid>& tids);
  // It is let run on for a moment: what was observed is no longer so.
  void runs_from_now(HostPid pid, HostTid tid);
  // At its stop, before anything is changed: what it sleeps in, if anything. The EINTR of a mere
  // stop is taken away.
  [[nodiscard]] Result<> look(HostPid pid, const StoppedThread& thread);
  // A call that was begun again elsewhere, or is to be.
  void know(HostPid pid, HostTid tid, const Sleep& sleep);
  void forget(HostTid tid);
  [[nodiscard]] const Sleep* find(HostTid tid) const;
  // What is left of its time, ns. Never less than it will be.
  [[nodiscard]] std::optional<std::uint64_t> left(HostTid tid) const;
  [[nodiscard]] bool empty() const { return known_.empty(); }

  // Let a stopped thread go on by `go`, in its call for what is left of its time.
  using Go = std::function<Result<>(StoppedThread)>;
  [[nodiscard]] Result<> go_on(HostPid pid, StoppedThread thread, const Go& go);
  // Those of `threads` that cannot simply be let go. The others, which may look at the memory where
  // their timeouts are, come after them.
  [[nodiscard]] Result<> resume_from(ThreadSet& threads);
  [[nodiscard]] Result<> detach_from(ThreadSet& threads);
  // A call that was handed to us is made by the thread after all.
  void goes_natively(HostPid pid, HostTid tid);

 private:
  struct Known {
    Sleep sleep;
    std::uint64_t switches = 0;  // of the thread: at the stop, or when seen asleep afterwards
    bool left = false;           // it has gone on since
  };
  struct Seen {
    std::uint64_t since = 0;  // CLOCK_MONOTONIC, ns
    std::uint64_t at = 0;     // when it was looked at
    std::uint64_t switches = 0;
  };
  [[nodiscard]] bool is_same_call(HostPid pid, HostTid tid, const Known& known,
                                  const Registers& now) const;
  [[nodiscard]] std::optional<Sleep> sleep_of(HostPid pid, HostTid tid, const Registers& found);
  [[nodiscard]] std::optional<std::uint64_t> number_in(HostPid pid, HostTid tid,
                                                       const Registers& now) const;
  [[nodiscard]] std::uint64_t began(HostPid pid, HostTid tid);
  [[nodiscard]] bool must_be_made_anew(HostTid tid, const Registers& now) const;
  [[nodiscard]] Result<> make_anew(HostPid pid, StoppedThread thread, Registers now, const Go& go);
  [[nodiscard]] bool kernel_goes_on(HostTid tid, const Registers& now) const;
  void note_gone(HostPid pid, HostTid tid, bool in_its_call);
  void take_back(HostTid tid);
  void note_found(HostPid pid, HostTid tid, Found found);
  [[nodiscard]] std::vector<HostTid> made_anew(const ThreadSet& threads);

  std::map<HostTid, Known> known_;
  std::map<HostTid, Seen> seen_;
  std::map<HostTid, LentTime> lent_;  // to calls that are handed to us
  Handed handed_;
};

}  // namespace llrun::tracer
