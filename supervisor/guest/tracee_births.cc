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

void Tracee::on_clone_call(HostTid tid, StoppedThread token, const tracer::Registers& registers) {
  const auto call = CloneCall::read(pid_, registers);
  Thread& thread = threads_[tid];
  if (!call) {
    thread.token = std::move(token);
    return fail_birth(tid, EFAULT);
  }
  const bool too_many = most_threads_ > 0 && threads_.size() >= most_threads_;
  if (call->makes_thread() && !too_many) {
    thread.token = std::move(token);
    thread.clone = *call;
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
  callbacks_.bring_home(call->makes_thread() ? "it makes more threads than guests may have here "
                                               "(guests.processes)"
                                             : "it makes a child process, which belongs to home");
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
               begin_birth(*std::exchange(creator->second.token, std::nullopt), creator->second));
      return;
    }
    callbacks_.thread_ended(birth.id);
    births_.pop_front();
  }
}

Result<> Tracee::begin_birth(StoppedThread token, Thread& creator) {
  LLRUN_TRY_ASSIGN(const auto before, tracer::registers(token));
  LLRUN_TRY(tracer::set_registers(token, creator.clone.in_registers(before)));
  creator.before_clone = before;
  return tracer::resume_to_syscall(std::move(token));
}

void Tracee::give_back_registers(const StoppedThread& token) {
  const auto thread = threads_.find(token.tid());
  if (thread == threads_.end()) return;
  const auto before = std::exchange(thread->second.before_clone, std::nullopt);
  if (!before) return;
  const auto now = tracer::registers(token);
  if (!now) return;
  complain("a thread's registers could not be given back",
           tracer::set_registers(token, CloneCall::given_back(*now, *before)));
}

// Its filter lets it make none. Stopped before its first instruction, it gets no further.
void Tracee::on_unexpected_child(HostPid child) {
  ::kill(child.value, SIGKILL);
  callbacks_.breaks_out("it has made a child process here");
}

// The call has returned, or its thread has ended in it.
void Tracee::end_birth() {
  if (!births_.front().seen) callbacks_.thread_ended(births_.front().id);  // nobody was born
  births_.pop_front();
  start_next_birth();
}

void Tracee::on_clone(HostTid creator, StoppedThread token, HostTid child) {
  if (births_.empty() || births_.front().creator != creator)
    return on_unexpected_child(HostPid{child.value});
  births_.front().seen = true;
  threads_[child].before_clone = threads_[creator].before_clone;
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
