// An ordinary user may make his processes nicer, also those in a world, thread by thread, and not
// take it back: setpriority(2). He may set the niceness of a session by a file: sched(7).
#include "supervisor/guest/niceness.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "tests/kernel/world/test_world.h"
#include "tracer/procfs/directory.h"

namespace llrun::testing {
namespace {

int niceness(pid_t thread) { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread)); }

// The kernel takes the niceness of a session a tenth of a second after the last one of anybody.
Result<> stand_back_at_last(HostPid process, const Niceness& niceness) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    auto done = stand_back(process, niceness);
    if (done || done.error().errno_value != EAGAIN || std::chrono::steady_clock::now() > until)
      return done;
    std::this_thread::yield();
  }
}

TEST(Niceness, OfAGuestInItsWorldIsItsSupervisorsToRaise) {
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  test.start_guest();
  ASSERT_FALSE(HasFatalFailure());
  const HostPid guest = test.guest();
  const int own = niceness(0);
  const auto done = stand_back_at_last(guest, {7, 6});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(niceness(guest.value), 7);
  const auto session = read_whole_file("/proc/" + std::to_string(guest.value) + "/autogroup");
  if (session) {
    EXPECT_NE(session->find("nice 6"), std::string::npos) << *session;
  }
  EXPECT_EQ(niceness(0), own) << "its supervisor does not stand back";

  EXPECT_TRUE(session_stands_back(guest, 6));
  EXPECT_EQ(session_stands_back(guest, 7), !session) << "it is looked at";

  const auto less = stand_back_at_last(guest, {3, 6});
  ASSERT_TRUE(less) << less.error().message();
  EXPECT_EQ(niceness(guest.value), 7) << "never less than before";
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NICE, &limit), 0);
  if (limit.rlim_cur < 20) {
    EXPECT_EQ(::setpriority(PRIO_PROCESS, static_cast<id_t>(guest.value), 0), -1);
    EXPECT_EQ(errno, EACCES);
  }
  test.end();
}

TEST(Niceness, IsOfEveryThread) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([] { ::pause(); });
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  ASSERT_GT(child, 0);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const auto done = stand_back_at_last(HostPid{child}, {4, 4});
  EXPECT_TRUE(done) << done.error().message();
  const auto threads = tracer::list_threads(HostPid{child});
  ASSERT_TRUE(threads);
  EXPECT_EQ(threads->size(), 4U);
  for (const HostTid thread : *threads) EXPECT_EQ(niceness(thread.value), 4);
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(stand_back(HostPid{child}, {9, 9})) << "a process that has ended is no error";
  for (const int end : ready) ::close(end);
}

}  // namespace
}  // namespace llrun::testing
