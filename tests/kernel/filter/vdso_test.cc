// A guest's system call that is made in the vdso: CPU clocks, which the vdso has no page for. The
// guest's supervisor answers it, and is who freezes the guest: it may not wait for the call's end.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "filtered_child.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/shared_flag.h"
#include "tracer/arch/x86_64/restart.h"
#include "tracer/objects/freeze.h"
#include "tracer/procfs/smaps.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kSyscallSize = 2;
constexpr int kErrorOfOurs = EXDEV;  // no clock ends so

int read_cpu_clock() {
  timespec time{};
  return ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 ? 0 : errno;
}

bool in_vdso(HostPid pid, std::uint64_t address) {
  const auto maps = read_maps(pid);
  return maps && std::ranges::any_of(*maps, [&](const auto& entry) {
           return entry.name == "[vdso]" && entry.start <= address && address < entry.end;
         });
}

Result<ThreadSet> stopped_threads(HostPid pid) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid, PTRACE_O_EXITKILL));
  LLRUN_TRY(threads.stop_all());
  return threads;
}

// The child's call comes out, is answered, and is what the child sees.
void answer_and_end(FilteredChild& child) {
  const auto call = child.next_call();
  EXPECT_EQ(call.number, static_cast<std::uint32_t>(SYS_clock_gettime));
  ASSERT_OK(child.notifier().answer_error(call.id, kErrorOfOurs));
  EXPECT_EQ(child.exit_status(), kErrorOfOurs);
}

TEST(CallInTheVdso, ThatIsInterruptedIsBegunAgainAfterTheFreeze) {
  FilteredChild child({}, [](const auto& install) {
    install();
    return read_cpu_clock();
  });
  const HostPid pid{child.pid()};
  ASSERT_TRUE(in_vdso(pid, child.next_call().instruction_pointer));
  auto threads = ThreadSet::seize_all(pid, PTRACE_O_EXITKILL);
  ASSERT_OK(threads);
  auto freeze = Freeze::begin(std::move(*threads));
  ASSERT_OK(freeze);
  const auto& thread = freeze->threads().front();
  EXPECT_TRUE(in_vdso(pid, thread.found.rip));
  EXPECT_EQ(thread.travelling.orig_rax, static_cast<unsigned long long>(SYS_clock_gettime));
  EXPECT_TRUE(is_restart_code(thread.travelling.rax));
  ASSERT_OK(freeze->release());
  answer_and_end(child);
}

TEST(CallInTheVdso, ThatIsStillToBeMadeIsMadeAfterTheFreeze) {
  FilteredChild child({}, [](const auto& install) {
    install();
    return read_cpu_clock();
  });
  const HostPid pid{child.pid()};
  const auto call = child.next_call();
  auto threads = stopped_threads(pid);
  ASSERT_OK(threads);
  const auto& token = threads->stopped(HostTid{pid.value});
  auto before = registers(token);
  ASSERT_OK(before);
  before->rip = call.instruction_pointer - kSyscallSize;
  before->rax = call.number;
  before->orig_rax = ~0ULL;
  ASSERT_OK(set_registers(token, *before));
  auto freeze = Freeze::begin(std::move(*threads));
  ASSERT_OK(freeze);
  EXPECT_EQ(freeze->threads().front().travelling.rip, before->rip);
  ASSERT_OK(freeze->release());
  answer_and_end(child);
}

TEST(CallInTheVdso, IsReachedByStepsAndNotMade) {
  const SharedFlag go;
  FilteredChild child({}, [&go](const auto& install) {
    install();
    while (!*go) {
    }
    return read_cpu_clock();
  });
  const HostPid pid{child.pid()};
  const HostTid tid{pid.value};
  auto threads = stopped_threads(pid);
  ASSERT_OK(threads);
  *go = true;
  constexpr int kMaxSteps = 100'000;
  auto now = registers(threads->stopped(tid));
  ASSERT_OK(now);
  for (int steps = 0; steps < kMaxSteps && !in_vdso(pid, now->rip); ++steps) {
    ASSERT_OK(step(StoppedThread::seen_stopped(tid)));
    ASSERT_OK(wait_for_stop(tid));
    now = registers(threads->stopped(tid));
    ASSERT_OK(now);
  }
  ASSERT_TRUE(in_vdso(pid, now->rip));
  auto freeze = Freeze::begin(std::move(*threads));
  ASSERT_OK(freeze);
  const auto& thread = freeze->threads().front();
  EXPECT_GT(thread.travelling.rip, now->rip) << "it was stepped to the call";
  EXPECT_EQ(thread.travelling.rax, static_cast<unsigned long long>(SYS_clock_gettime));
  EXPECT_EQ(thread.travelling.orig_rax, ~0ULL) << "and no further";
  ASSERT_OK(freeze->release());
  answer_and_end(child);
}

}  // namespace
}  // namespace llrun::tracer
