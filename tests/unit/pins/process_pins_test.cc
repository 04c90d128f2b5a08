// Each pin of a process, provoked for real.
#include <gtest/gtest.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <thread>
#include <vector>

#include "descriptors/child.h"
#include "pins/expect_pin.h"
#include "tests/capabilities/capability.h"
#include "tests/unit/capabilities/tiny_32_bit_program.h"
#include "tracer/objects/pins_parts.h"
#include "tracer/objects/sharing.h"
#include "tracer/procfs/smaps.h"

namespace llrun::tracer {
namespace {

using test::Child;

Child plain() {
  return Child::run([] { return 0; });
}

int errno_unless(bool good) { return good ? 0 : errno; }

TEST(ProcessPins, APlainProcessHasNone) {
  const Child child = plain();
  EXPECT_NO_PIN(process_pins(child.pid()));
  EXPECT_NO_PIN(sharing_pins(child.pid()));
}

TEST(ProcessPins, OrdinaryProgramsHaveNone) {
  const Child python = Child::exec({"python3", "-uc", "print(1)\nwhile True: pass"});
  EXPECT_NO_PIN(process_pins(python.pid()));
  EXPECT_NO_PIN(all_pins(python.pid()));
  const Child bash = Child::exec({"bash", "-c", "echo ready; while :; do :; done"});
  EXPECT_NO_PIN(all_pins(bash.pid()));
}

TEST(ProcessPins, TheEndedAreGone) {
  Child child = plain();
  const HostPid pid = child.pid();
  ::kill(pid.value, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid.value), &info, WEXITED | WNOWAIT), 0);
  const auto zombie = process_pins(pid);
  ASSERT_FALSE(zombie);
  EXPECT_EQ(zombie.error().code, ErrorCode::kGone);
  child.kill_and_wait();
  const auto gone = process_pins(pid);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kGone);
}

TEST(ProcessPins, ADebugger) {
  const Child child = plain();
  const pid_t victim = child.pid().value;
  Child debugger =
      Child::run([victim] { return errno_unless(::ptrace(PTRACE_SEIZE, victim, 0, 0) == 0); });
  EXPECT_ONLY_PIN(process_pins(child.pid()),
                  "debugger is attached to it: process " + std::to_string(debugger.pid().value));
  debugger.kill_and_wait();
  EXPECT_NO_PIN(process_pins(child.pid()));
}

TEST(ProcessPins, OurselvesAsTracerAreNoDebugger) {
  const Child child = plain();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid().value, 0, 0), 0);
  EXPECT_NO_PIN(process_pins(child.pid()));
}

TEST(ProcessPins, AnotherUser) { EXPECT_PIN(process_pins(HostPid{1}), "runs as another user"); }

// No ordinary user can make a process like this to look at; its status can be written down.
TEST(ProcessPins, SetIdAndGroupsAndCapabilities) {
  auto it = read_credentials(HostPid{::getpid()});
  ASSERT_TRUE(it);
  Pins none;
  add_identity_pins(*it, none);
  EXPECT_TRUE(none.empty()) << test::all_words(none);
  it->uids[2] += 1;
  it->gids[1] += 1;
  it->groups.push_back(4711);
  it->permitted_capabilities = 1U << 13;
  Pins pins;
  add_identity_pins(*it, pins);
  for (const char* words :
       {"another user", "another group", "supplementary groups", "capabilities"})
    EXPECT_TRUE(test::has_pin(pins, words)) << words;
}

TEST(ProcessPins, NotDumpable) {
  const Child child = Child::run([] { return errno_unless(::prctl(PR_SET_DUMPABLE, 0) == 0); });
  EXPECT_PIN(process_pins(child.pid()), "attaching to it is not permitted");
  EXPECT_PIN(all_pins(child.pid()), "attaching to it is not permitted");
}

TEST(ProcessPins, Namespaces) {
  const Child child = Child::run([] {
    return errno_unless(::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS |
                                  CLONE_NEWIPC | CLONE_NEWPID) == 0 &&
                        ::chroot("/tmp") == 0);
  });
  const auto pins = process_pins(child.pid());
  EXPECT_PIN(pins, "mount namespace");
  EXPECT_PIN(pins, "network namespace");
  EXPECT_PIN(pins, "UTS namespace");
  EXPECT_PIN(pins, "IPC namespace");
  EXPECT_PIN(pins, "user namespace");
  EXPECT_PIN(pins, "namespace for its children");
  EXPECT_PIN(pins, "another root directory");
  EXPECT_PIN(pins, "capabilities");
}

int allow_everything() {
  sock_filter allow{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  sock_fprog program{1, &allow};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return errno_unless(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

TEST(ProcessPins, ASeccompFilter) {
  const Child child = Child::run(allow_everything);
  EXPECT_ONLY_PIN(process_pins(child.pid()), "has a seccomp filter");
}

TEST(ProcessPins, StrictSeccomp) {
  auto ready = make_pipe();
  auto never = make_pipe();
  ASSERT_TRUE(ready && never);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    char c = 0;
    if (::write(ready->second.get(), &c, 1) == 1) (void)!::read(never->first.get(), &c, 1);
    ::syscall(SYS_exit, 0);
  }
  char c = 0;
  ASSERT_EQ(::read(ready->first.get(), &c, 1), 1);
  EXPECT_ONLY_PIN(process_pins(HostPid{pid}), "strict seccomp");
  never->second.reset();
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

// Threads of a child live as long as it.
int start_thread(void (*body)()) {
  static pthread_barrier_t prepared;
  static void (*work)();
  work = body;
  ::pthread_barrier_init(&prepared, nullptr, 2);
  std::thread([] {
    work();
    ::pthread_barrier_wait(&prepared);
    for (;;) ::pause();
  }).detach();
  ::pthread_barrier_wait(&prepared);
  return 0;
}

TEST(ProcessPins, AThreadWithOtherRights) {
  const Child child = Child::run([] { return start_thread([] { (void)allow_everything(); }); });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "has other rights than the rest");
}

TEST(ProcessPins, AThreadUnderADebugger) {
  const Child child = Child::run([] { return start_thread([] {}); });
  const pid_t victim = child.pid().value;
  const Child debugger = Child::run([victim] {
    // The thread's id is not the process's: the only other entry of the task folder.
    for (pid_t tid = victim + 1; tid < victim + 200; ++tid)
      if (::syscall(SYS_tgkill, victim, tid, 0) == 0)
        return errno_unless(::ptrace(PTRACE_SEIZE, tid, 0, 0) == 0);
    return ESRCH;
  });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "a debugger is attached");
}

TEST(ProcessPins, Children) {
  const Child child = Child::run([] {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::prctl(PR_SET_NAME, "cc1");
      for (;;) ::pause();
    }
    // The name is set by the child itself: wait until it is in its pause.
    for (;;) {
      const auto name = read_whole_file("/proc/" + std::to_string(pid) + "/comm");
      if (name && *name == "cc1\n") return 0;
      ::sched_yield();
    }
  });
  EXPECT_ONLY_PIN(process_pins(child.pid()), " cc1");
}

TEST(ProcessPins, AnEndedChildNotWaitedFor) {
  const Child child = Child::run([] {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    siginfo_t info{};
    return errno_unless(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "not yet waited for");
}

TEST(ProcessPins, InVfork) {
  auto ready = make_pipe();
  ASSERT_TRUE(ready);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int tell = ready->second.get();
    const pid_t inner = ::vfork();
    if (inner == 0) {
      (void)!::write(tell, "v", 1);
      for (;;) ::syscall(SYS_pause);
    }
    ::_exit(0);
  }
  char c = 0;
  ASSERT_EQ(::read(ready->first.get(), &c, 1), 1);
  EXPECT_ONLY_PIN(process_pins(HostPid{pid}), "vfork");
  EXPECT_PIN(sharing_pins(HostPid{pid}), "shares its memory");
  const auto children = read_whole_file("/proc/" + std::to_string(pid) + "/task/" +
                                        std::to_string(pid) + "/children");
  ASSERT_TRUE(children);
  ::kill(std::stoi(*children), SIGKILL);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST(ProcessPins, TheMainThreadHasEnded) {
  auto ready = make_pipe();
  ASSERT_TRUE(ready);
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::thread([&] {
      (void)!::write(ready->second.get(), "t", 1);
      for (;;) ::pause();
    }).detach();
    ::syscall(SYS_exit, 0);
  }
  char c = 0;
  ASSERT_EQ(::read(ready->first.get(), &c, 1), 1);
  const std::string status = "/proc/" + std::to_string(pid) + "/stat";
  while (read_whole_file(status)->find(") Z ") == std::string::npos) ::sched_yield();
  EXPECT_ONLY_PIN(process_pins(HostPid{pid}), "main thread has ended");
  EXPECT_ONLY_PIN(all_pins(HostPid{pid}), "main thread has ended");
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST(ProcessPins, Stopped) {
  const Child child = plain();
  ::kill(child.pid().value, SIGSTOP);
  ASSERT_EQ(::waitpid(child.pid().value, nullptr, WUNTRACED), child.pid().value);
  EXPECT_ONLY_PIN(process_pins(child.pid()), "it is stopped (job control)");
}

TEST(ProcessPins, TimersOfAThreadsCpuTime) {
  const Child child = Child::run([] {
    timer_t timer{};
    sigevent event{};
    event.sigev_notify = SIGEV_NONE;
    return errno_unless(::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
                        ::timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0);
  });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "POSIX timer 1 rings by clock -2 ");
}

TEST(ProcessPins, Affinity) {
  cpu_set_t ours;
  ASSERT_EQ(::sched_getaffinity(0, sizeof ours, &ours), 0);
  if (CPU_COUNT(&ours) < 2) GTEST_SKIP() << "needs two processors";
  const Child child = Child::run([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
    return errno_unless(::sched_setaffinity(0, sizeof one, &one) == 0);
  });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "bound to the processors");
}

TEST(ProcessPins, IdleAndBatchSchedulingAreNone) {
  const Child child = Child::run([] {
    const sched_param none{};
    return errno_unless(::sched_setscheduler(0, SCHED_IDLE, &none) == 0);
  });
  EXPECT_NO_PIN(process_pins(child.pid()));
}

TEST(ProcessPins, IoUringAndSystemVAndAio) {
  const Child ring = Child::run([] {
    io_uring_params parameters{};
    const long fd = ::syscall(SYS_io_uring_setup, 4, &parameters);
    if (fd < 0) return errno;
    void* at =
        ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, static_cast<int>(fd), IORING_OFF_SQ_RING);
    ::close(static_cast<int>(fd));
    return errno_unless(at != MAP_FAILED);
  });
  EXPECT_ONLY_PIN(process_pins(ring.pid()), "io_uring");
  const Child segment = Child::run([] {
    const int id = ::shmget(IPC_PRIVATE, 4096, 0600);
    if (id < 0) return errno;
    void* at = ::shmat(id, nullptr, 0);
    ::shmctl(id, IPC_RMID, nullptr);
    return errno_unless(at != reinterpret_cast<void*>(-1));
  });
  EXPECT_ONLY_PIN(process_pins(segment.pid()), "System V shared memory");
  const Child aio = Child::run([] {
    aio_context_t context = 0;
    return errno_unless(::syscall(SYS_io_setup, 4, &context) == 0);
  });
  EXPECT_ONLY_PIN(process_pins(aio.pid()), "asynchronous I/O");
}

TEST(ProcessPins, Personality) {
  const Child usual =
      Child::run([] { return errno_unless(::personality(ADDR_NO_RANDOMIZE) >= 0); });
  EXPECT_NO_PIN(process_pins(usual.pid()));
  const Child unusual =
      Child::run([] { return errno_unless(::personality(READ_IMPLIES_EXEC) >= 0); });
  EXPECT_ONLY_PIN(process_pins(unusual.pid()), "personality");
}

TEST(ProcessPins, NoVdso) {
  const Child child = Child::run([] {
    void* vdso = reinterpret_cast<void*>(::getauxval(AT_SYSINFO_EHDR));
    return errno_unless(::munmap(vdso, 8192) == 0);
  });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "no vdso");
}

TEST(ProcessPins, AVdsoWhoseDataHasMovedOrGone) {
  const auto data = [] {
    const auto maps = read_maps(HostPid{::getpid()}).value_or(std::vector<MapEntry>());
    return *std::ranges::find_if(maps,
                                 [](const auto& entry) { return entry.name.starts_with("[vvar"); });
  };
  const Child without = Child::run([&] {
    const auto part = data();
    return errno_unless(::munmap(reinterpret_cast<void*>(part.start), part.size()) == 0);
  });
  EXPECT_ONLY_PIN(process_pins(without.pid()), "moved or unmapped a part of the vdso");
  const Child moved = Child::run([&] {
    const auto part = data();
    void* const place = ::mmap(nullptr, part.size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return errno_unless(::mremap(reinterpret_cast<void*>(part.start), part.size(), part.size(),
                                 MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
  });
  EXPECT_ONLY_PIN(process_pins(moved.pid()), "moved or unmapped a part of the vdso");
}

TEST(ProcessPins, A32BitProgram) {
  LLRUN_NEEDS(test::Capability::kSystemCalls32Bit);
  const test::TemporaryDirectory folder;
  test::write_file(folder.path("tiny"), test::tiny_32_bit_program(), 0755);
  const Child child = Child::exec({folder.path("tiny")});
  EXPECT_PIN(process_pins(child.pid()), "32-bit");
}

int clone_sharing(unsigned long flags) {
  static char stack[65536];
  const int pid = ::clone(
      [](void*) -> int {
        for (;;) ::syscall(SYS_pause);
      },
      stack + sizeof stack, static_cast<int>(flags), nullptr);
  return errno_unless(pid > 0);
}

// `flags` shared with a child of it that no exit signal announces.
void expect_shared(unsigned long flags, const std::string& words) {
  const Child child = Child::run([flags] { return clone_sharing(flags); });
  EXPECT_ONLY_PIN(sharing_pins(child.pid()), words);
  const auto children = read_whole_file("/proc/" + std::to_string(child.pid().value) + "/task/" +
                                        std::to_string(child.pid().value) + "/children");
  ASSERT_TRUE(children);
  const HostPid other{std::stoi(*children)};
  EXPECT_NO_PIN(sharing_pins(child.pid(), {other}));  // of the job
  ::kill(other.value, SIGKILL);
}

TEST(SharingPins, WithAnotherProcess) {
  expect_shared(CLONE_VM, "it shares its memory with process");
  expect_shared(CLONE_FILES, "it shares its descriptor table with process");
  expect_shared(CLONE_FS, "it shares its working directory and umask with process");
  expect_shared(CLONE_VM | CLONE_SIGHAND | CLONE_FILES,
                "its memory, its descriptor table, its signal");
}

TEST(SharingPins, AThreadOnItsOwn) {
  const Child files = Child::run([] { return start_thread([] { ::unshare(CLONE_FILES); }); });
  EXPECT_ONLY_PIN(sharing_pins(files.pid()), "has a descriptor table of its own");
  const Child folder = Child::run([] { return start_thread([] { ::unshare(CLONE_FS); }); });
  EXPECT_ONLY_PIN(sharing_pins(folder.pid()), "has a working directory of its own");
  const Child usual = Child::run([] { return start_thread([] {}); });
  EXPECT_NO_PIN(sharing_pins(usual.pid()));
}

}  // namespace
}  // namespace llrun::tracer
