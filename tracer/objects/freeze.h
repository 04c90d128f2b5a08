// Freeze: a program stopped as a whole, each thread known as it was at its first stop.
//
// If we are killed before a program at home is given away, it runs on: what is changed in a thread
// is changed so that the thread itself can put it back (RemoteSyscalls), and of what is changed in
// the process only the stub's mapping is left (docs/capture.md; docs/limits.md has what is not so).
//
// The order matters: since when a thread sleeps is read before it is interrupted, and its registers
// at the first stop, for after one resume the number of the call it sleeps in is lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "tracer/objects/sleeps.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/lent_site.h"
#include "tracer/remote/remote_arena.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {

struct FrozenThread {
  HostTid tid;
  Registers found{};       // at the first stop: what the thread goes on with here
  Registers travelling{};  // what it goes on with elsewhere (arch/x86_64/restart.h)
  std::optional<std::uint64_t> sleep_remaining;  // ns, of a call with a time limit
  std::uint64_t mask = 0;
  // The signal it was about to get: dequeued, so it is in no queue any more.
  std::optional<siginfo_t> signal;
  RseqConfiguration rseq;
  RobustList robust;
};

class Freeze {
 public:
  // Stop all threads of `threads` (seized before). On error they run on: a guest's attached, those
  // of a program at home let go.
  enum class Where : std::uint8_t { kGuest, kHome };
  // How long a busy program, all its threads together, is let run on in the hope to find each where
  // it can be stopped, and then stepped there. Then it is kTimeout: it runs on, to be tried again.
  struct Patience {
    std::chrono::milliseconds letting_run{300};
    std::chrono::milliseconds stepping{2000};
  };
  // `known`: what is known of their sleeps from before; taken, and given back on error.
  [[nodiscard]] static Result<Freeze> begin(ThreadSet threads, Where where, Patience patience,
                                            Sleeps* known = nullptr);
  [[nodiscard]] static Result<Freeze> begin(ThreadSet threads, Where where = Where::kGuest,
                                            Sleeps* known = nullptr) {
    return begin(std::move(threads), where, {}, known);
  }
  Freeze(Freeze&&) = default;
  Freeze& operator=(Freeze&&) = delete;
  // If the threads are to be let go when their set goes, they are as they were.
  ~Freeze();

  [[nodiscard]] HostPid pid() const { return threads_.pid(); }
  [[nodiscard]] const std::vector<FrozenThread>& threads() const { return frozen_; }
  [[nodiscard]] ThreadSet& thread_set() { return threads_; }
  // For the next who stops these threads, when they have been let go.
  [[nodiscard]] Sleeps take_sleeps() { return std::move(sleeps_); }

  // Map the stub into the program, once; it is there until resume() or for good.
  [[nodiscard]] Result<> map_stub();
  // Use one that is there already and stays: a guest's, by which its filter knows injected calls.
  void use_stub(StubPage page) {
    stub_ = page;
    stub_stays_ = true;
  }
  [[nodiscard]] const std::optional<StubPage>& stub() const { return stub_; }
  // Injected calls in one thread, through the stub if it is mapped. finish() them before the next.
  [[nodiscard]] Result<RemoteSyscalls> calls(HostTid tid);
  [[nodiscard]] Result<RemoteSyscalls> calls_in_main() { return calls(main_thread()); }
  [[nodiscard]] HostTid main_thread() const { return frozen_.front().tid; }
  [[nodiscard]] RemoteArena arena() const { return {pid(), stub_->arena()}; }

  // Undo what was done and let the program run on as if nothing had been: the stub goes, signals
  // taken out are queued again. The threads stay attached; the set of them is given back.
  [[nodiscard]] Result<ThreadSet> resume();
  // The same, but detach.
  [[nodiscard]] Result<> release();
  // Give the stopped threads away as they are (to become a shadow).
  [[nodiscard]] ThreadSet take_threads() { return std::move(threads_); }

 private:
  Freeze(ThreadSet threads, Patience patience, Sleeps known)
      : threads_(std::move(threads)), patience_(patience), sleeps_(std::move(known)) {}
  [[nodiscard]] Result<> stop(Where where);
  [[nodiscard]] Result<> stop_all();
  [[nodiscard]] Result<> look_at_all();
  [[nodiscard]] Result<> look_at(HostTid tid, FrozenThread& thread);
  [[nodiscard]] Result<> make_travelling(FrozenThread& thread) const;
  [[nodiscard]] Result<> run_on_to_rest();
  [[nodiscard]] Result<bool> rests_now(HostTid tid) const;
  [[nodiscard]] Result<> leave_vdso();
  [[nodiscard]] Result<bool> at_call(const Registers& registers) const;
  [[nodiscard]] Result<bool> makes_call(const Registers& found, const Registers& next) const;
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] Result<> step_out(FrozenThread& thread, Clock::time_point deadline);
  [[nodiscard]] Result<Registers> step_from(FrozenThread& thread, Clock::time_point deadline);
  // In the main thread, while the stub is not mapped.
  [[nodiscard]] Result<> with_lent_site(const std::function<Result<>(RemoteSyscalls&)>& action);
  [[nodiscard]] Result<> undo();
  [[nodiscard]] Result<> queue_signals_again();
  [[nodiscard]] Result<> resume_all();
  [[nodiscard]] Result<> detach_all();
  void forget();

  ThreadSet threads_;
  Patience patience_;
  std::vector<FrozenThread> frozen_;
  RemoteRange vdso_;
  Sleeps sleeps_;
  std::optional<StubPage> stub_;
  bool stub_stays_ = false;
};

// A free address for the stub page: the same in both processes when `mappings` holds those of both.
// At least a page away from each mapping, so that nothing merges with it.
[[nodiscard]] Result<RemoteAddr> find_hole(const std::vector<RemoteRange>& mappings,
                                           std::uint64_t size);

}  // namespace llrun::tracer
