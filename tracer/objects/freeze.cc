#include "tracer/objects/freeze.h"

#include <linux/rseq.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

#include "tracer/arch/x86_64/restart.h"
#include "tracer/procfs/smaps.h"
#include "tracer/ptrace/dispatch.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kAllButTrap = ~(std::uint64_t{1} << (SIGTRAP - 1));
constexpr std::uint64_t kRseqCsOffset = 8;  // struct rseq, rseq_cs
constexpr std::uint64_t kNoCall = ~std::uint64_t{0};
constexpr std::uint64_t kSyscallSize = 2;

// The kernel does this itself when it preempts a thread in a critical section; injected calls would
// hide from it where the thread was (kernel/rseq.c, rseq_ip_fixup).
Result<> abort_critical_section(HostPid pid, const StoppedThread& token, FrozenThread& thread) {
  if (thread.rseq.area == 0) return {};
  const RemoteAddr pointer{thread.rseq.area + kRseqCsOffset};
  LLRUN_TRY_ASSIGN(const auto section_at, read_value<std::uint64_t>(pid, pointer));
  if (section_at == 0) return {};
  LLRUN_TRY_ASSIGN(const auto section, read_value<rseq_cs>(pid, RemoteAddr{section_at}));
  if (thread.found.rip - section.start_ip < section.post_commit_offset)
    thread.found.rip = section.abort_ip;
  LLRUN_TRY(set_registers(token, thread.found));
  return write_value(pid, pointer, std::uint64_t{0});
}

// A call that its filter leaves to its tracer, who has not looked at it: it is skipped here
// (seccomp(2), SECCOMP_RET_TRACE), and made where the thread goes on.
Result<Registers> take_call_back(const StoppedThread& token) {
  LLRUN_TRY_ASSIGN(auto now, registers(token));
  now.rip -= kSyscallSize;
  now.rax = std::exchange(now.orig_rax, kNoCall);
  LLRUN_TRY(set_registers(token, now));
  return now;
}

Result<RemoteRange> find_vdso(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto maps, read_maps(pid));
  for (const auto& entry : maps)
    if (entry.name == "[vdso]") return RemoteRange{{entry.start}, {entry.end}};
  return RemoteRange{};
}

}  // namespace

Result<RemoteAddr> find_hole(const std::vector<RemoteRange>& mappings, std::uint64_t size) {
  constexpr std::uint64_t kFirst = 0x6000'0000'0000;  // between the heaps and the mapping area
  constexpr std::uint64_t kStep = 1 << 30;
  constexpr int kMaxTries = 65536;
  for (int i = 0; i < kMaxTries; ++i) {
    const std::uint64_t start = kFirst - static_cast<std::uint64_t>(i) * kStep;
    const RemoteRange wanted{{start - kPageSize}, {start + size + kPageSize}};
    if (std::ranges::none_of(mappings, [&](const auto& m) { return m.overlaps(wanted); }))
      return RemoteAddr{start};
  }
  return failure(ErrorCode::kUnsupported, "the address space has no hole for the stub");
}

Result<Freeze> Freeze::begin(ThreadSet threads, Where where, Patience patience, Sleeps* known) {
  Freeze freeze(std::move(threads), patience, known == nullptr ? Sleeps() : std::move(*known));
  freeze.sleeps_.observe(freeze.pid(), freeze.threads_.tids());
  auto done = freeze.stop(where);
  if (!done) {
    std::ignore = freeze.undo();
    std::ignore = where == Where::kHome ? freeze.detach_all() : freeze.resume_all();
    freeze.forget();
    if (known != nullptr) *known = freeze.take_sleeps();
    return std::unexpected(done.error());
  }
  return freeze;
}

// Their set detaches them then.
Freeze::~Freeze() {
  if (threads_.lets_go()) std::ignore = undo();
}

Result<> Freeze::stop(Where where) {
  LLRUN_TRY(stop_all());
  if (where == Where::kHome) LLRUN_TRY(run_on_to_rest());
  LLRUN_TRY(look_at_all());
  return leave_vdso();
}

// By an exec on the way it has become another program.
Result<> Freeze::stop_all() {
  LLRUN_TRY(threads_.stop_all());
  const auto met = threads_.take_met();
  const bool is_another =
      std::ranges::any_of(met, [](const auto& event) { return event.template is<ExecEvent>(); });
  if (is_another) sleeps_ = Sleeps();
  if (is_another || vdso_.size() == 0) {
    LLRUN_TRY_ASSIGN(vdso_, find_vdso(pid()));
  }
  for (const auto tid : threads_.tids()) LLRUN_TRY(sleeps_.look(pid(), threads_.stopped(tid)));
  return {};
}

// All of them, also behind one that cannot travel: what the stop has done to a thread is put right
// here.
Result<> Freeze::look_at_all() {
  Result<> done;
  for (const auto tid : threads_.tids()) {
    auto looked = look_at(tid, frozen_.emplace_back());
    if (!looked && done) done = std::unexpected(looked.error());
  }
  LLRUN_TRY(done);
  if (frozen_.empty() || frozen_.front().tid.value != pid().value)
    return failure(ErrorCode::kRefused,
                   "the first thread of the program has ended before the others");
  return {};
}

Result<> Freeze::look_at(HostTid tid, FrozenThread& thread) {
  const auto& token = threads_.stopped(tid);
  thread.tid = tid;
  // The byte that decides is not there any more in a shadow, and each call of it would be a fault.
  if (dispatches_calls(token))
    return failure(ErrorCode::kRefused,
                   "thread " + std::to_string(tid.value) +
                       " has its system calls sent back to the program "
                       "(PR_SET_SYSCALL_USER_DISPATCH): it can move once it has switched that off");
  LLRUN_TRY_ASSIGN(thread.found, registers(token));
  LLRUN_TRY_ASSIGN(thread.mask, signal_mask(token));
  LLRUN_TRY_ASSIGN(thread.rseq, rseq_configuration(token));
  LLRUN_TRY_ASSIGN(thread.robust, robust_list(token));
  thread.signal = threads_.take_signal(tid);
  LLRUN_TRY(abort_critical_section(pid(), token, thread));
  return make_travelling(thread);
}

// The number of the call a thread sleeps in is hidden once it has been restarted.
Result<> Freeze::make_travelling(FrozenThread& thread) const {
  thread.travelling = thread.found;
  auto& registers = thread.travelling;
  const Sleep* sleep = sleeps_.find(thread.tid);
  const bool restart_block = sleeps_with_restart_block(registers);
  const bool hidden = restart_block ? registers.orig_rax == kRestartSyscall
                                    : sleep != nullptr && registers.rax == kRestartSyscall;
  if (hidden && sleep == nullptr)
    return failure(ErrorCode::kRefused,
                   "thread " + std::to_string(thread.tid.value) +
                       " sleeps in a system call that was restarted, and which one cannot be told");
  if (hidden) (restart_block ? registers.orig_rax : registers.rax) = sleep->call.orig_rax;
  thread.sleep_remaining = sleeps_.left(thread.tid);
  // No time limit, or a time of day: the same call again is right.
  if (restart_block && !thread.sleep_remaining)
    registers.rax = static_cast<unsigned long long>(kRestartNoHandler);
  return {};
}

// The peer's vdso has the same code, but what it read of the clock's page before the move and after
// it do not belong together.
Result<> Freeze::leave_vdso() {
  const auto deadline = Clock::now() + patience_.stepping;
  for (auto& thread : frozen_)
    if (vdso_.contains(RemoteAddr{thread.found.rip})) LLRUN_TRY(step_out(thread, deadline));
  return {};
}

// A thread that is stepped dies if its tracer is killed (the kernel leaves the trap flag set), and
// a signal on its way is lost once calls are injected. So a program at home is let run on instead;
// only what is found so again and again is stepped, or held. A guest ends with its tracer anyway,
// which it may wait for if it runs.
Result<> Freeze::run_on_to_rest() {
  constexpr int kTries = 100;
  constexpr std::chrono::microseconds kLittle{50};
  const auto deadline = Clock::now() + patience_.letting_run;
  for (int tries = 0; tries < kTries && threads_.group_stop_signal() == 0; ++tries) {
    if (Clock::now() >= deadline) break;
    bool all_rest = true;
    for (const auto tid : threads_.tids()) {
      LLRUN_TRY_ASSIGN(const bool rests, rests_now(tid));
      if (rests) continue;
      all_rest = false;
      sleeps_.runs_from_now(pid(), tid);
      LLRUN_TRY(threads_.go_as_it_was(tid));
    }
    if (all_rest) return {};
    std::this_thread::sleep_for(kLittle);  // or it is stopped again before its next instruction
    LLRUN_TRY(stop_all());
  }
  return {};
}

Result<bool> Freeze::rests_now(HostTid tid) const {
  if (threads_.gets_signal(tid)) return false;
  LLRUN_TRY_ASSIGN(const auto now, registers(threads_.stopped(tid)));
  if (!vdso_.contains(RemoteAddr{now.rip})) return true;
  return makes_call(now, now);
}

// For some clocks the vdso makes a system call (lib/vdso/gettimeofday.c, the fallback), and has
// read nothing before. It is made where the thread goes on: a guest's may be one that its
// supervisor has to answer, which is who waits here. A program can write other code there.
Result<bool> Freeze::at_call(const Registers& registers) const {
  constexpr std::uint64_t kLongest = 15;  // bytes of an instruction
  std::array<std::byte, kLongest> code{};
  const auto some =
      std::span(code).first(std::min<std::uint64_t>(kLongest, vdso_.end.value - registers.rip));
  LLRUN_TRY(read_memory(pid(), RemoteAddr{registers.rip}, some));
  return makes_system_call(some);
}

// An interrupted call is begun again by the kernel as soon as the thread runs, so by a step, too.
Result<bool> Freeze::makes_call(const Registers& found, const Registers& next) const {
  if (in_system_call(found) && is_restart_code(found.rax)) return true;
  return at_call(next);
}

// Each step is a step of the program's own: wherever this ends, the thread goes on from there.
Result<> Freeze::step_out(FrozenThread& thread, Clock::time_point deadline) {
  LLRUN_TRY_ASSIGN(const bool stays, makes_call(thread.found, thread.travelling));
  if (stays) return {};
  const auto& token = threads_.stopped(thread.tid);
  LLRUN_TRY(set_signal_mask(token, kAllButTrap));
  const auto stepped = step_from(thread, deadline);
  const auto settled = stop_anew(token);  // which takes the trap flag away
  LLRUN_TRY(set_signal_mask(token, thread.mask));
  LLRUN_TRY(settled);
  LLRUN_TRY_ASSIGN(const auto now, stepped);
  thread.found = now;
  thread.travelling = now;
  thread.sleep_remaining.reset();
  sleeps_.forget(thread.tid);
  return {};
}

Result<Registers> Freeze::step_from(FrozenThread& thread, Clock::time_point deadline) {
  const auto& token = threads_.stopped(thread.tid);
  auto now = thread.found;
  while (vdso_.contains(RemoteAddr{now.rip})) {
    LLRUN_TRY_ASSIGN(const bool at_its_call, at_call(now));
    if (at_its_call) break;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= left.zero())
      return failure(ErrorCode::kTimeout,
                     "the program is busy asking for the time: it can be stopped later");
    LLRUN_TRY(step(StoppedThread::seen_stopped(thread.tid)));
    LLRUN_TRY_ASSIGN(const auto event, next_stop(thread.tid, left));
    if (event.is<SeccompEvent>()) return take_call_back(token);
    // Not the step's: one that was blocked until now.
    const auto* signal = event.as<SignalDelivery>();
    if (signal != nullptr && signal->info.si_code <= 0 && !thread.signal)
      thread.signal = signal->info;
    LLRUN_TRY_ASSIGN(now, registers(token));
  }
  return now;
}

Result<> Freeze::map_stub() {
  if (stub_) return {};
  LLRUN_TRY_ASSIGN(const auto maps, read_maps(pid()));
  std::vector<RemoteRange> mappings;
  for (const auto& entry : maps) mappings.push_back({{entry.start}, {entry.end}});
  LLRUN_TRY_ASSIGN(const auto hole, find_hole(mappings, StubPage::kSize));
  return with_lent_site([&](RemoteSyscalls& remote) -> Result<> {
    LLRUN_TRY_ASSIGN(stub_, StubPage::map(remote, hole));
    return {};
  });
}

// Where the thread cannot be given back, it may still need the site to give itself back.
Result<> Freeze::with_lent_site(const std::function<Result<>(RemoteSyscalls&)>& action) {
  LLRUN_TRY_ASSIGN(auto lent, LentSite::open(pid()));
  LLRUN_TRY_ASSIGN(auto remote,
                   RemoteSyscalls::borrow(pid(), threads_.stopped(main_thread()), lent.site()));
  const auto done = action(remote);
  LLRUN_TRY(remote.finish());
  LLRUN_TRY(lent.close());
  return done;
}

Result<RemoteSyscalls> Freeze::calls(HostTid tid) {
  if (!stub_) LLRUN_TRY(map_stub());
  return RemoteSyscalls::borrow(pid(), threads_.stopped(tid),
                                stub_stays_ ? stub_->site() : stub_->returning_site());
}

// A signal that was taken out of its queue for good because calls were injected is queued again.
Result<> Freeze::queue_signals_again() {
  Result<> done;
  for (auto& thread : frozen_) {
    const auto signal = std::exchange(thread.signal, std::nullopt);
    if (!signal) continue;
    const auto queued = [&]() -> Result<> {
      LLRUN_TRY_ASSIGN(auto remote, calls(thread.tid));
      LLRUN_TRY(queue_signal_to_thread(remote, *signal, stub_->arena().start));
      return remote.finish();
    }();
    if (done) done = queued;
  }
  return done;
}

// All that can be, past what cannot.
Result<> Freeze::undo() {
  auto done = queue_signals_again();
  if (!stub_ || stub_stays_) return done;
  const auto unmapped =
      with_lent_site([this](RemoteSyscalls& remote) { return stub_->unmap(remote); });
  if (unmapped) stub_.reset();
  return done ? unmapped : done;
}

// However much of it could be undone, none of them stays stopped.
Result<ThreadSet> Freeze::resume() {
  const auto undone = undo();
  const auto resumed = resume_all();
  forget();
  LLRUN_TRY(resumed);
  LLRUN_TRY(undone);
  return std::move(threads_);
}

Result<> Freeze::release() {
  const auto undone = undo();
  const auto let_go = detach_all();
  forget();
  return undone ? let_go : undone;
}

// Each thread goes on in the call that it sleeps in; the first error of all of them.
Result<> Freeze::resume_all() {
  const auto shortened = sleeps_.resume_from(threads_);
  const auto resumed = threads_.resume_all();
  return shortened ? resumed : shortened;
}

Result<> Freeze::detach_all() {
  const auto shortened = sleeps_.detach_from(threads_);
  const auto detached = threads_.detach_all();
  return shortened ? detached : shortened;
}

// Nothing is left to be undone.
void Freeze::forget() {
  stub_.reset();
  frozen_.clear();
}

}  // namespace llrun::tracer
