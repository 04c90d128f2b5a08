#include "tracer/ptrace/ptrace.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace llrun::tracer {
namespace {

// AVX-512 and AMX together stay below 12 KiB; the kernel says how much it really wrote.
constexpr std::size_t kMaxRegisterSet = 16384;
constexpr std::size_t kMaxQueuedSignals = 65536;

// The raw system call: glibc's wrapper changes the meaning of PTRACE_PEEK* and has a type for
// requests that C++ compares badly.
long request(long what, HostTid tid, std::uintptr_t address, std::uintptr_t data) {
  return ::syscall(SYS_ptrace, what, tid.value, address, data);
}

template <typename T>
std::uintptr_t pointer(T* value) {
  return reinterpret_cast<std::uintptr_t>(value);
}

Result<> check(long result, const char* what, HostTid tid) {
  if (result < 0) return system_error(std::string(what) + " " + std::to_string(tid.value));
  return {};
}

}  // namespace

Result<> seize(HostTid tid, unsigned options) {
  return check(request(PTRACE_SEIZE, tid, 0, options), "attach to thread", tid);
}

Result<> set_options(const StoppedThread& thread, unsigned options) {
  return check(request(PTRACE_SETOPTIONS, thread.tid(), 0, options), "set trace options of thread",
               thread.tid());
}

Result<> interrupt(HostTid tid) {
  return check(request(PTRACE_INTERRUPT, tid, 0, 0), "interrupt thread", tid);
}

Result<> resume(StoppedThread thread, int signal) {
  return check(request(PTRACE_CONT, thread.tid(), 0, static_cast<std::uintptr_t>(signal)),
               "resume thread", thread.tid());
}

Result<> resume_to_syscall(StoppedThread thread, int signal) {
  return check(request(PTRACE_SYSCALL, thread.tid(), 0, static_cast<std::uintptr_t>(signal)),
               "resume thread to a system call", thread.tid());
}

Result<> step(StoppedThread thread, int signal) {
  return check(request(PTRACE_SINGLESTEP, thread.tid(), 0, static_cast<std::uintptr_t>(signal)),
               "step thread", thread.tid());
}

Result<> listen(StoppedThread thread) {
  return check(request(PTRACE_LISTEN, thread.tid(), 0, 0), "leave stopped the thread",
               thread.tid());
}

Result<> detach(StoppedThread thread, int signal) {
  return check(request(PTRACE_DETACH, thread.tid(), 0, static_cast<std::uintptr_t>(signal)),
               "detach from thread", thread.tid());
}

Result<Registers> registers(const StoppedThread& thread) {
  Registers values{};
  LLRUN_TRY(check(request(PTRACE_GETREGS, thread.tid(), 0, pointer(&values)),
                  "read registers of thread", thread.tid()));
  return values;
}

Result<> set_registers(const StoppedThread& thread, const Registers& values) {
  return check(request(PTRACE_SETREGS, thread.tid(), 0, pointer(&values)),
               "set registers of thread", thread.tid());
}

Result<std::vector<std::byte>> register_set(const StoppedThread& thread, unsigned type) {
  std::vector<std::byte> bytes(kMaxRegisterSet);
  iovec io{bytes.data(), bytes.size()};
  LLRUN_TRY(check(request(PTRACE_GETREGSET, thread.tid(), type, pointer(&io)),
                  "read register set of thread", thread.tid()));
  bytes.resize(io.iov_len);
  return bytes;
}

Result<> set_register_set(const StoppedThread& thread, unsigned type,
                          std::span<const std::byte> bytes) {
  iovec io{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return check(request(PTRACE_SETREGSET, thread.tid(), type, pointer(&io)),
               "set register set of thread", thread.tid());
}

Result<std::uint64_t> signal_mask(const StoppedThread& thread) {
  std::uint64_t mask = 0;
  LLRUN_TRY(check(request(PTRACE_GETSIGMASK, thread.tid(), sizeof mask, pointer(&mask)),
                  "read signal mask of thread", thread.tid()));
  return mask;
}

Result<> set_signal_mask(const StoppedThread& thread, std::uint64_t mask) {
  return check(request(PTRACE_SETSIGMASK, thread.tid(), sizeof mask, pointer(&mask)),
               "set signal mask of thread", thread.tid());
}

Result<std::vector<siginfo_t>> queued_signals(const StoppedThread& thread, SignalQueue queue) {
  std::vector<siginfo_t> signals;
  std::array<siginfo_t, 16> piece{};
  __ptrace_peeksiginfo_args args{};
  args.flags = queue == SignalQueue::kProcess ? PTRACE_PEEKSIGINFO_SHARED : 0;
  args.nr = static_cast<std::int32_t>(piece.size());
  while (signals.size() < kMaxQueuedSignals) {
    args.off = signals.size();
    const long count =
        request(PTRACE_PEEKSIGINFO, thread.tid(), pointer(&args), pointer(piece.data()));
    LLRUN_TRY(check(count, "read queued signals of thread", thread.tid()));
    if (count == 0) break;
    signals.insert(signals.end(), piece.begin(), piece.begin() + count);
  }
  return signals;
}

Result<siginfo_t> signal_info(HostTid tid) {
  siginfo_t info{};
  LLRUN_TRY(
      check(request(PTRACE_GETSIGINFO, tid, 0, pointer(&info)), "read signal of thread", tid));
  return info;
}

Result<> set_signal_info(const StoppedThread& thread, const siginfo_t& info) {
  return check(request(PTRACE_SETSIGINFO, thread.tid(), 0, pointer(&info)), "set signal of thread",
               thread.tid());
}

Result<RseqConfiguration> rseq_configuration(const StoppedThread& thread) {
  RseqConfiguration configuration;
  const long size = request(PTRACE_GET_RSEQ_CONFIGURATION, thread.tid(), sizeof configuration,
                            pointer(&configuration));
  LLRUN_TRY(check(size, "read rseq configuration of thread", thread.tid()));
  return configuration;
}

Result<RobustList> robust_list(const StoppedThread& thread) {
  RobustList list;
  void* head = nullptr;
  std::size_t size = 0;
  LLRUN_TRY(check(::syscall(SYS_get_robust_list, thread.tid().value, &head, &size),
                  "read robust list of thread", thread.tid()));
  list.head = pointer(head);
  list.size = size;
  return list;
}

Result<std::uint64_t> event_message(HostTid tid) {
  unsigned long message = 0;
  LLRUN_TRY(
      check(request(PTRACE_GETEVENTMSG, tid, 0, pointer(&message)), "read event of thread", tid));
  return message;
}

}  // namespace llrun::tracer
