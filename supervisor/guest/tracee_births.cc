// Tracee, the births of threads: each gets the id that home has given out for it.
#include <sched.h>
#include <sys/syscall.h>

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "supervisor/guest/complain.h"
#include "supervisor/guest/tracee.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {

using tracer::StoppedThread;

namespace {

Result<std::uint64_t> clone_flags(HostPid pid, const tracer::Registers& registers) {
  if (registers.orig_rax == SYS_clone) return registers.rdi;
  if (registers.orig_rax == SYS_clone3)
    return tracer::read_value<std::uint64_t>(pid, {registers.rdi});
  return 0;
}

}  // namespace

void Tracee::on_clone_call(HostTid tid, StoppedThread token, const tracer::Registers& registers) {
  const auto flags = clone_flags(pid_, registers);
  if (!flags) return go(std::move(token));  // EFAULT is the kernel's to say
  Thread& thread = threads_[tid];
  if (*flags & CLONE_THREAD) {
    thread.token = std::move(token);
    thread.making_thread = true;
    return callbacks_.thread_wanted(thread.guest);
  }
  if (std::exchange(thread.denied, false)) {
    log::error("{} fails: the child would belong to home, which can never have the program",
               registers.orig_rax == SYS_clone ? "clone" : "fork");
    thread.token = std::move(token);
    return fail_birth(tid, EAGAIN);
  }
  take_back(token);
  thread.wants_home = true;
  thread.token = std::move(token);
  callbacks_.bring_home("it makes a child process, which belongs to home");
}

// A clone call at its seccomp stop: it is made anew wherever the thread goes on. (orig_rax = -1
// skips it here; seccomp(2), SECCOMP_RET_TRACE.)
void Tracee::take_back(const StoppedThread& token) {
  auto registers = tracer::registers(token);
  if (!registers) return;
  registers->rip -= 2;
  registers->rax = registers->orig_rax;
  registers->orig_rax = static_cast<std::uint64_t>(-1);
  complain("a call could not be taken back", tracer::set_registers(token, *registers));
}

void Tracee::thread_made(GuestTid creator, GuestTid made, int error) {
  if (frozen_)
    return;  // the creator's call was taken back, and home ends the threads that nobody has
  const auto host = host_tid(creator);
  if (!host || !threads_[*host].token) {
    if (made) callbacks_.thread_ended(made);  // its creator is gone
    return;
  }
  if (!made) return fail_birth(*host, error);
  births_.push_back({*host, made});
  if (births_.size() == 1) start_next_birth();
}

void Tracee::fail_birth(HostTid creator, int error) {
  Thread& thread = threads_[creator];
  thread.making_thread = false;
  auto registers = tracer::registers(*thread.token);
  if (!registers) return;
  registers->orig_rax = static_cast<std::uint64_t>(-1);
  registers->rax = static_cast<std::uint64_t>(-static_cast<std::int64_t>(error));
  complain("an error could not be given", tracer::set_registers(*thread.token, *registers));
  go(*std::exchange(thread.token, std::nullopt));
}

// One at a time: between the write of the next id and the clone event nobody else may be born.
void Tracee::start_next_birth() {
  while (!births_.empty()) {
    const Birth& birth = births_.front();
    const auto creator = threads_.find(birth.creator);
    if (creator != threads_.end() && creator->second.token) {
      complain("the next thread id could not be set", world_.set_next_pid(birth.id));
      complain("a thread's creator could not be resumed",
               tracer::resume_to_syscall(*std::exchange(creator->second.token, std::nullopt)));
      return;
    }
    callbacks_.thread_ended(birth.id);
    births_.pop_front();
  }
}

// The call has returned, or its thread has ended in it.
void Tracee::end_birth() {
  if (!births_.front().seen) callbacks_.thread_ended(births_.front().id);  // nobody was born
  births_.pop_front();
  start_next_birth();
}

void Tracee::on_clone(HostTid creator, StoppedThread token, HostTid child) {
  LLRUN_CHECK(!births_.empty() && births_.front().creator == creator, "an unexpected clone");
  births_.front().seen = true;
  threads_[child].guest = births_.front().id;
  threads_[child].awaits_first_stop = true;
  complain("a thread's creator could not be resumed", tracer::resume_to_syscall(std::move(token)));
  // The child's own first stop may have come before this event.
  if (auto event = tracer::poll_stop(child); event && *event) handle(**event);
}

// A thread that is being born belongs to the picture.
Result<> Tracee::finish_births() {
  while (!births_.empty()) {
    LLRUN_TRY_ASSIGN(const auto event, tracer::wait_for_stop(births_.front().creator));
    handle(event);
  }
  return {};
}

}  // namespace llrun
