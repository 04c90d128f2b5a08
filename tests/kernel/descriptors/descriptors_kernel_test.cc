// Kernel behaviour that the capture of descriptors relies on, as an ordinary user sees it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "base/fd.h"
#include "descriptors/child.h"
#include "tracer/objects/kcmp.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/remote/remote_fd.h"

namespace llrun::tracer {
namespace {

using test::Child;

int getfd_error(const Child& child) {
  const auto pidfd = open_pidfd(child.pid());
  if (!pidfd) return pidfd.error().errno_value;
  return ::syscall(SYS_pidfd_getfd, pidfd->get(), INT_MAX, 0) < 0 ? errno : 0;
}

// pins_attach.cc: the right to attach is asked for before the number is looked at (kernel/pid.c).
TEST(PidfdGetfd, WithANumberNobodyHasTellsWhetherWeMayAttach) {
  EXPECT_EQ(getfd_error(Child::run([] { return 0; })), EBADF);
  EXPECT_EQ(getfd_error(Child::run([] { return ::prctl(PR_SET_DUMPABLE, 0); })), EPERM);
}

// descriptors_group.cc: kcmp orders files, the same way whichever is asked first (kernel/kcmp.c).
TEST(Kcmp, OrdersFiles) {
  const Child child =
      Child::run([] { return ::eventfd(0, 0) == 3 && ::eventfd(0, 0) == 4 ? 0 : errno; });
  const auto forth = compare_files(child.pid(), 3, child.pid(), 4);
  const auto back = compare_files(child.pid(), 4, child.pid(), 3);
  ASSERT_TRUE(forth && back);
  EXPECT_TRUE((*forth == Order::kLess && *back == Order::kGreater) ||
              (*forth == Order::kGreater && *back == Order::kLess));
  EXPECT_EQ(*compare_files(child.pid(), 3, child.pid(), 3), Order::kEqual);
  EXPECT_EQ(compare_files(child.pid(), 3, child.pid(), 99).error().errno_value, EBADF);
}

// descriptors_judge.cc: an entry whose number has been given to another file is found out.
TEST(Kcmp, TellsWhatAnEpollEntryRefersTo) {
  const Child child = Child::run([] {
    epoll_event event{};
    const bool good = ::epoll_create1(0) == 3 && ::eventfd(0, 0) == 4 && ::eventfd(0, 0) == 5 &&
                      ::epoll_ctl(3, EPOLL_CTL_ADD, 4, &event) == 0 &&
                      ::epoll_ctl(3, EPOLL_CTL_ADD, 5, &event) == 0 && ::dup2(4, 6) == 6 &&
                      ::dup2(5, 4) == 4;
    return good ? 0 : errno;
  });
  EXPECT_TRUE(*epoll_entry_is_current(child.pid(), 3, 5, 0));
  EXPECT_FALSE(*epoll_entry_is_current(child.pid(), 3, 4, 0));
}

// pipes.cc: tee copies all that is in a pipe into one of the same capacity, and takes nothing.
TEST(Tee, CopiesAFullPipeOfOneByteWrites) {
  auto pipe = make_pipe(O_NONBLOCK);
  auto copy = make_pipe();
  ASSERT_TRUE(pipe && copy);
  ASSERT_EQ(::fcntl(pipe->second.get(), F_SETPIPE_SZ, 16384), 16384);
  ASSERT_EQ(::fcntl(copy->second.get(), F_SETPIPE_SZ, 16384), 16384);
  int written = 0;
  while (::write(pipe->second.get(), "x", 1) == 1) ++written;
  EXPECT_EQ(::tee(pipe->first.get(), copy->second.get(), INT_MAX, SPLICE_F_NONBLOCK), written);
  int left = 0;
  ASSERT_EQ(::ioctl(pipe->first.get(), FIONREAD, &left), 0);
  EXPECT_EQ(left, written);
}

// sharing.cc: one description has one text in /proc/PID/fd, whoever holds it.
TEST(ProcFd, OneDescriptionHasOneText) {
  const test::TemporaryDirectory folder;
  test::write_file(folder.path("a"), "x");
  const auto file = open_file(folder.path("a"), O_RDONLY);
  ASSERT_TRUE(file);
  const Child in_chroot =
      Child::run([&] { return ::unshare(CLONE_NEWUSER) == 0 && ::chroot("/tmp") == 0 ? 0 : errno; },
                 {file->get()});
  const auto ours = read_link(fd_path(HostPid{::getpid()}, file->get()));
  const auto theirs = read_link(fd_path(in_chroot.pid(), file->get()));
  ASSERT_TRUE(ours && theirs);
  EXPECT_EQ(*ours, *theirs);
}

// files.cc and descriptors_restore.cc: flags that would make or empty a file are not remembered;
// O_TMPFILE is.
TEST(FdInfoFlags, CreationIsForgotten) {
  const test::TemporaryDirectory folder;
  const Child child = Child::run([&] {
    return ::open(folder.path("a").c_str(), O_CREAT | O_TRUNC | O_EXCL | O_NOCTTY | O_WRONLY,
                  0600) == 3 &&
                   ::open(folder.path().c_str(), O_TMPFILE | O_RDWR, 0600) == 4
               ? 0
               : errno;
  });
  EXPECT_EQ(read_fdinfo(child.pid(), 3)->flags & (O_CREAT | O_TRUNC | O_EXCL | O_NOCTTY), 0);
  EXPECT_EQ(read_fdinfo(child.pid(), 4)->flags & O_TMPFILE, O_TMPFILE);
}

}  // namespace
}  // namespace llrun::tracer
