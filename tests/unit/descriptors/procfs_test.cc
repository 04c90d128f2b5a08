#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "tracer/procfs/credentials.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/mounts.h"
#include "tracer/procfs/sched.h"
#include "tracer/procfs/timers.h"

namespace llrun::tracer {
namespace {

TEST(PosixTimers, TellsWhomTheyRingForAndByWhichClock) {
  const auto timers = parse_posix_timers(
      "ID: 7\nsignal: 34/0123456789abcdef\nnotify: signal/tid.4712\nClockID: 1\n"
      "ID: 0\nsignal: 14/0000000000000000\nnotify: none/pid.4711\nClockID: -2\n");
  ASSERT_TRUE(timers) << timers.error().message();
  ASSERT_EQ(timers->size(), 2U);
  EXPECT_EQ(timers->at(0).id, 7);
  EXPECT_EQ(timers->at(0).signal, 34);
  EXPECT_EQ(timers->at(0).value, 0x0123456789abcdefU);
  EXPECT_EQ(timers->at(0).notify, SIGEV_SIGNAL | SIGEV_THREAD_ID);
  EXPECT_EQ(timers->at(0).thread, HostTid{4712});
  EXPECT_FALSE(why_not_carried(timers->at(0)));
  EXPECT_EQ(timers->at(1).notify, SIGEV_NONE);
  EXPECT_FALSE(timers->at(1).thread);
  EXPECT_TRUE(why_not_carried(timers->at(1)));
}

TEST(PosixTimers, RefuseWhatTheKernelDoesNotWrite) {
  EXPECT_TRUE(parse_posix_timers(""));
  for (const char* text : {"signal: 34/0\n", "ID: x\n", "ID: 1\nsignal: 34\n",
                           "ID: 1\nnotify: signal\n", "ID: 1\nClockID: soon\n"})
    EXPECT_FALSE(parse_posix_timers(text)) << text;
}

TEST(FdInfo, TellsPositionFlagsAndCloseOnExec) {
  const auto info = parse_fdinfo("pos:\t141\nflags:\t02100002\nmnt_id:\t27\nino:\t99\n");
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->position, 141U);
  EXPECT_EQ(info->flags, 0100000 | O_RDWR);
  EXPECT_TRUE(info->close_on_exec);
  EXPECT_EQ(info->mount_id, 27U);
  EXPECT_TRUE(info->locks.empty());
}

TEST(FdInfo, TellsEventfdEpollAndLocks) {
  const auto counter =
      parse_fdinfo("flags:\t02\neventfd-count:               1f\neventfd-semaphore: 1\n");
  ASSERT_TRUE(counter);
  EXPECT_EQ(counter->eventfd_count, 31U);
  EXPECT_EQ(counter->eventfd_semaphore, true);
  const auto epoll = parse_fdinfo(
      "flags:\t02\n"
      "tfd:        5 events:       19 data: ffffffff00000004  pos:0 ino:6ee9 sdev:f\n");
  ASSERT_TRUE(epoll);
  ASSERT_EQ(epoll->epoll.size(), 1U);
  EXPECT_EQ(epoll->epoll[0].fd, 5);
  EXPECT_EQ(epoll->epoll[0].events, 0x19U);
  EXPECT_EQ(epoll->epoll[0].data, 0xffffffff00000004U);
  EXPECT_EQ(epoll->epoll[0].inode, 0x6ee9U);
  const auto lock = parse_fdinfo("flags:\t0\nlock:\t1: POSIX  ADVISORY  WRITE 9 fe:00:7 0 EOF\n");
  ASSERT_TRUE(lock);
  EXPECT_EQ(lock->locks, (std::vector<std::string>{"POSIX  ADVISORY  WRITE 9 fe:00:7 0 EOF"}));
}

TEST(FdInfo, RefusesWhatItCannotRead) {
  EXPECT_FALSE(parse_fdinfo(""));
  EXPECT_FALSE(parse_fdinfo("pos:\t1\n"));
  EXPECT_FALSE(parse_fdinfo("flags:\t9\n"));
  EXPECT_FALSE(parse_fdinfo("flags:\t0\npos:\tx\n"));
  EXPECT_FALSE(parse_fdinfo("flags:\t0\ntfd: 5 events: 19\n"));
  EXPECT_FALSE(parse_fdinfo("flags:\t0\neventfd-count: -1\n"));
}

TEST(Mounts, TellsOfWhichKindAFilesystemIs) {
  const auto types = parse_mount_types(
      "36 35 98:0 /mnt1 /mnt/two rw,noatime master:1 propagate_from:2 - fuse.sshfs host:/x rw\n"
      "22 1 0:21 / /proc rw - proc proc rw\n"
      "37 not a mount\n");
  EXPECT_EQ(types, (MountTypes{{36, "fuse.sshfs"}, {22, "proc"}}));
  EXPECT_EQ(filesystem_magic("proc"), 0x9fa0);
  EXPECT_EQ(filesystem_magic("fuse.sshfs"), 0);
  EXPECT_FALSE(read_mount_types(HostPid{::getpid()}).empty());
}

TEST(Credentials, ReadsIdsTracerAndConfinement) {
  const auto it = parse_credentials(
      "Name:\tcat\nState:\tt (tracing stop)\nPPid:\t10\nTracerPid:\t7\nUid:\t1\t2\t3\t4\n"
      "Gid:\t5\t6\t7\t8\nGroups:\t100 200 \nCapPrm:\t0000000000002000\nCapEff:\t0\nSeccomp:\t2\n"
      "Seccomp_filters:\t3\nCoreDumping:\t1\nx86_Thread_features:\tshstk \n");
  ASSERT_TRUE(it) << it.error().message();
  EXPECT_EQ(it->name, "cat");
  EXPECT_EQ(it->state, 't');
  EXPECT_EQ(it->parent, 10);
  EXPECT_EQ(it->tracer, 7);
  EXPECT_EQ(it->uids, (std::array<std::uint32_t, 4>{1, 2, 3, 4}));
  EXPECT_EQ(it->gids, (std::array<std::uint32_t, 4>{5, 6, 7, 8}));
  EXPECT_EQ(it->groups, (std::vector<std::uint32_t>{100, 200}));
  EXPECT_EQ(it->permitted_capabilities, 0x2000U);
  EXPECT_EQ(it->seccomp, 2);
  EXPECT_EQ(it->seccomp_filters, 3);
  EXPECT_TRUE(it->core_dumping);
  EXPECT_TRUE(it->shadow_stack);
}

TEST(Credentials, RefusesWhatItCannotRead) {
  EXPECT_FALSE(parse_credentials(""));
  EXPECT_FALSE(parse_credentials("State:\tR\nUid:\t1\t2\n"));
  EXPECT_FALSE(parse_credentials("State:\tR\nTracerPid:\tnobody\n"));
}

std::string sched(const std::string& thread, const std::string& value) {
  return thread + " (4711, #threads: 1)\n-----\nse.exec_start                  :  " + value +
         "\nse.vruntime                    :  7.000000\n";
}

TEST(ExecStart, IsTheKernelsWhateverAThreadCallsItself) {
  const auto expected = std::chrono::nanoseconds(1'500'000);
  for (const char* thread : {"a", "se.exec_start:9", "\nse.exec_start:"})
    EXPECT_EQ(parse_exec_start(sched(thread, "1.500000")), expected) << thread;
}

TEST(ExecStart, RefusesWhatIsNoTime) {
  for (const char* value : {"", "x", "-1.5", "nan", "12345678000000000000000.1"})
    EXPECT_EQ(parse_exec_start(sched("a", value)), std::nullopt) << value;
}

}  // namespace
}  // namespace llrun::tracer
