#include "supervisor/guest/clone_call.h"

#include <linux/sched.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {
namespace {

constexpr std::uint64_t kNeeded = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
// CLONE_DETACHED means nothing since Linux 2.6; CLONE_UNTRACED and CLONE_PTRACE are for tracers.
constexpr std::uint64_t kWithoutMeaning = CLONE_DETACHED | CLONE_UNTRACED | CLONE_PTRACE | CSIGNAL;
constexpr std::uint64_t kOfThreads = kNeeded | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |
                                     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
                                     CLONE_CHILD_SETTID | CLONE_IO | kWithoutMeaning;

// Later members are zero in any call that can be made by registers.
Result<CloneCall> read_clone3(HostPid pid, const tracer::Registers& registers) {
  constexpr std::size_t kFirst = CLONE_ARGS_SIZE_VER0;
  const std::uint64_t size = registers.rsi;
  CloneCall call;
  if (size < kFirst || size > sizeof(clone_args)) return call;  // is not plain
  clone_args arguments{};
  LLRUN_TRY(tracer::read_memory(pid, {registers.rdi},
                                std::as_writable_bytes(std::span(&arguments, 1)).first(size)));
  call.flags = arguments.flags;
  call.stack = arguments.stack + arguments.stack_size;
  call.parent_tid = arguments.parent_tid;
  call.child_tid = arguments.child_tid;
  call.tls = arguments.tls;
  call.plain = (arguments.flags & CSIGNAL) == 0 && arguments.exit_signal == 0 &&
               arguments.set_tid == 0 && arguments.set_tid_size == 0 && arguments.cgroup == 0 &&
               (arguments.stack == 0) == (arguments.stack_size == 0) &&
               call.stack >= arguments.stack;
  return call;
}

}  // namespace

Result<CloneCall> CloneCall::read(HostPid pid, const tracer::Registers& registers) {
  if (registers.orig_rax == SYS_clone3) return read_clone3(pid, registers);
  if (registers.orig_rax != SYS_clone) return CloneCall{};  // fork, vfork
  // clone(flags, stack, parent_tid, child_tid, tls): kernel/fork.c, without CONFIG_CLONE_BACKWARDS
  return CloneCall{
      registers.rdi & 0xffffffff, registers.rsi, registers.rdx, registers.r10, registers.r8, true};
}

bool CloneCall::makes_thread() const {
  return plain && (flags & kNeeded) == kNeeded && (flags & ~kOfThreads) == 0;
}

tracer::Registers CloneCall::in_registers(tracer::Registers before) const {
  before.orig_rax = SYS_clone;
  before.rdi = flags & ~kWithoutMeaning;
  before.rsi = stack;
  before.rdx = parent_tid;
  before.r10 = child_tid;
  before.r8 = tls;
  return before;
}

tracer::Registers CloneCall::given_back(tracer::Registers after, const tracer::Registers& before) {
  after.orig_rax = before.orig_rax;
  after.rdi = before.rdi;
  after.rsi = before.rsi;
  after.rdx = before.rdx;
  after.r10 = before.r10;
  after.r8 = before.r8;
  return after;
}

}  // namespace llrun
