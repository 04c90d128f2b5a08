// How a call that a stop interrupts shows, and goes on.
#include "tracer/arch/x86_64/restart.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include <cerrno>

#include "tests/unit/tracer/child.h"
#include "tracer/objects/freeze.h"

namespace llrun::tracer {
namespace {

// Wait until the child sleeps in `number`: /proc/PID/syscall says so.
bool sleeps_in(HostPid pid, long number) {
  for (int tries = 0; tries < 20'000; ++tries) {
    const auto text =
        read_whole_file("/proc/" + std::to_string(pid.value) + "/syscall").value_or("");
    if (text.starts_with(std::to_string(number) + " ")) return true;
    ::usleep(500);
  }
  return false;
}

FrozenThread freeze_in(HostPid pid, long number) {
  EXPECT_TRUE(sleeps_in(pid, number));
  auto freeze = Freeze::begin(ThreadSet::seize_all(pid, PTRACE_O_EXITKILL).value());
  EXPECT_TRUE(freeze.has_value()) << freeze.error().message();
  const auto thread = freeze->threads().front();
  EXPECT_TRUE(freeze->release());
  return thread;
}

std::int64_t result_of(const Registers& registers) {
  return static_cast<std::int64_t>(registers.rax);
}

TEST(InterruptedCall, ReadShowsRestartSys) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Child child([&] {
    char byte = 0;
    if (::read(ends[0], &byte, 1) != 1) ::_exit(1);
  });
  EXPECT_EQ(result_of(freeze_in(child.pid(), SYS_read).found), -512);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_EQ(child.wait(), 0);
}

TEST(InterruptedCall, NanosleepShowsRestartBlockAndTravelsWithItsRest) {
  Child child([] {
    const timespec hour{3600, 0};
    ::nanosleep(&hour, nullptr);
  });
  const auto thread = freeze_in(child.pid(), SYS_clock_nanosleep);
  EXPECT_EQ(result_of(thread.found), kRestartBlock);
  ASSERT_TRUE(thread.sleep_remaining);
  EXPECT_LE(*thread.sleep_remaining, 3600ULL * 1'000'000'000);
  EXPECT_GT(*thread.sleep_remaining, 3000ULL * 1'000'000'000);
  // The kernel's own restart hides the number from then on; the code before the call still tells
  // it.
  const auto again = freeze_in(child.pid(), 219 /* restart_syscall */);
  EXPECT_EQ(again.found.orig_rax, 219u);
  EXPECT_EQ(again.travelling.orig_rax, static_cast<unsigned long long>(SYS_clock_nanosleep));
}

// At every stop, also into the place of the timeout itself: what was asked for is gone then.
TEST(InterruptedCall, NanosleepIsToldItsRestAtAMereStop) {
  timespec time{3600, 0};
  Child child([&] { ::nanosleep(&time, &time); });
  EXPECT_EQ(result_of(freeze_in(child.pid(), SYS_clock_nanosleep).found), kRestartBlock);
  const auto told =
      read_value<timespec>(child.pid(), RemoteAddr{reinterpret_cast<std::uint64_t>(&time)});
  ASSERT_TRUE(told);
  EXPECT_LT(told->tv_sec, 3600);
}

// fs/select.c, poll_select_finish: the rest of the time goes into the program's memory, and where
// that cannot be written the call is not made again.
TEST(InterruptedCall, PpollTellsItsRestOrShowsEintr) {
  timespec time{3600, 0};
  static const timespec fixed{3600, 0};
  for (const timespec* limit : {static_cast<const timespec*>(&time), &fixed}) {
    Child child([limit] { ::syscall(SYS_ppoll, nullptr, 0, limit, nullptr, 8); });
    ASSERT_TRUE(sleeps_in(child.pid(), SYS_ppoll));
    auto threads = ThreadSet::seize_all(child.pid(), PTRACE_O_EXITKILL);
    ASSERT_TRUE(threads);
    ASSERT_TRUE(threads->stop_all());
    const auto found = registers(threads->stopped(HostTid{child.pid().value}));
    ASSERT_TRUE(found);
    EXPECT_EQ(result_of(*found), limit == &fixed ? -EINTR : kRestartNoHandler);
    const auto told =
        read_value<timespec>(child.pid(), RemoteAddr{reinterpret_cast<std::uint64_t>(limit)});
    ASSERT_TRUE(told);
    EXPECT_EQ(told->tv_sec < 3600, limit == &time);
  }
}

// Waits for events that never come; ends if the wait does.
void wait_for_events() {
  const int epoll = ::epoll_create1(0);
  epoll_event event{};
  ::epoll_wait(epoll, &event, 1, -1);
}

TEST(InterruptedCall, EpollWaitShowsEintrOnAMereStop) {
  Child child(wait_for_events);
  ASSERT_TRUE(sleeps_in(child.pid(), SYS_epoll_wait));
  auto threads = ThreadSet::seize_all(child.pid(), PTRACE_O_EXITKILL);
  ASSERT_TRUE(threads);
  ASSERT_TRUE(threads->stop_all());
  const auto found = registers(threads->stopped(HostTid{child.pid().value}));
  ASSERT_TRUE(found);
  EXPECT_EQ(result_of(*found), -EINTR);
}

TEST(InterruptedCall, EpollWaitThatAMereStopEndsIsMadeAgainHereAndThere) {
  Child child(wait_for_events);
  const auto thread = freeze_in(child.pid(), SYS_epoll_wait);
  EXPECT_EQ(result_of(thread.found), kRestartNoHandler);
  EXPECT_EQ(result_of(thread.travelling), kRestartNoHandler);
  EXPECT_TRUE(sleeps_in(child.pid(), SYS_epoll_wait)) << "it is waiting again, not told EINTR";
}

}  // namespace
}  // namespace llrun::tracer
