// A world begins stopped under its supervisor's hands, and ends with it, leaving nothing.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "base/bytes.h"
#include "tests/kernel/world/test_world.h"

namespace llrun::testing {
namespace {

constexpr int kGenerousMilliseconds = 60'000;

bool ends(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  return ::poll(&entry, 1, kGenerousMilliseconds) == 1;
}

// Not counting the dead whose parent, the system's first process, has not got round to them.
bool lives_here(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0 || status.st_uid != ::getuid()) return false;
  const auto text = read_whole_file(directory + "/stat");
  return text && text->find(") Z 1 ") == std::string::npos;
}

std::size_t processes_of_user() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc"))
    if (entry.path().filename().string().find_first_not_of("0123456789") == std::string::npos &&
        lives_here(entry.path()))
      ++count;
  return count;
}

std::size_t mounts_here() {
  const auto text = read_whole_file("/proc/self/mountinfo");
  return text ? static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n')) : 0;
}

TEST(Life, TheSupervisorMeetsTheGuestAtItsExec) {
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  test.start_guest();
  ASSERT_FALSE(HasFatalFailure());
  const pid_t guest = test.guest().value;
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, guest, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL), 0)
      << std::strerror(errno);
  ASSERT_TRUE(test.world().release_guest());
  int status = 0;
  ASSERT_EQ(::waitpid(guest, &status, __WALL), guest);
  EXPECT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_EXEC << 8);
  ASSERT_EQ(::ptrace(PTRACE_CONT, guest, 0, 0), 0);
  EXPECT_EQ(test.ask_numbers("ids")[0], 30050);
  // The capabilities have survived the exec of a traced process.
  EXPECT_NE(test.ask("slurp /proc/self/status").find("CapEff:\t0000010000200000"),
            std::string::npos);
  test.end();  // though its tracer has not waited for it
}

TEST(Life, TheTracerGetsTheGuestsExitStatus) {
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  test.start_guest();
  ASSERT_FALSE(HasFatalFailure());
  const pid_t guest = test.guest().value;
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, guest, 0, PTRACE_O_EXITKILL), 0);
  ASSERT_TRUE(test.world().release_guest());
  EXPECT_EQ(test.ask_numbers("ids")[0], 30050);
  ::kill(guest, SIGTERM);
  int status = 0;
  ASSERT_EQ(::waitpid(guest, &status, __WALL), guest);
  ASSERT_TRUE(WIFSTOPPED(status));
  ASSERT_EQ(::ptrace(PTRACE_CONT, guest, 0, WSTOPSIG(status)), 0);
  ASSERT_EQ(::waitpid(guest, &status, __WALL), guest);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_TRUE(ends(test.guest_pidfd().get()));
  test.end();
}

TEST(Life, AGuestThatNobodyReleasesNeverRuns) {
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  test.start_guest();
  ASSERT_FALSE(HasFatalFailure());
  test.end();
  EXPECT_TRUE(ends(test.guest_pidfd().get()));
}

TEST(Life, TwentyWorldsLeaveNothing) {
  const auto processes = processes_of_user();
  const auto mounts = mounts_here();
  for (int i = 0; i < 20; ++i) {
    TestWorld test;
    test.build();
    ASSERT_FALSE(HasFatalFailure());
    test.start_guest();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(test.world().release_guest());
    EXPECT_EQ(test.ask_numbers("ids")[0], 30050);
    test.end();
  }
  EXPECT_EQ(processes_of_user(), processes);
  EXPECT_EQ(mounts_here(), mounts);
}

// A supervisor in a process of its own, which is killed. Its world's guest is watched from here.
class WithSupervisor : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(WhileBuildingOrRunning, WithSupervisor, ::testing::Bool());

TEST_P(WithSupervisor, TheWorldDiesWithItsSupervisor) {
  auto tell = make_socketpair(SOCK_SEQPACKET);
  ASSERT_TRUE(tell);
  const bool running = GetParam();
  TestWorld test;
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    tell->first.reset();
    test.build();
    if (running) {
      test.start_guest();
      if (!test.world().release_guest() || test.ask_numbers("ids").at(0) != 30050) ::_exit(1);
    }
    const std::array<int, 1> fds{test.world().ended_fd()};
    if (!send_fds(tell->second.get(), bytes_of('x'), fds)) ::_exit(1);
    for (;;) ::pause();
  }
  tell->second.reset();
  auto told = receive_fds(tell->first.get(), 1);
  ASSERT_TRUE(told) << told.error().message();
  ASSERT_EQ(told->fds.size(), 1U);
  ::kill(supervisor, SIGKILL);
  int status = 0;
  ::waitpid(supervisor, &status, 0);
  EXPECT_TRUE(ends(told->fds[0].get()));
}

TEST(Life, TheWorldDiesWithItsWarden) {
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  // The warden is the only child of this process.
  const auto children =
      read_whole_file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  ASSERT_TRUE(children);
  ASSERT_EQ(::kill(std::atoi(children->c_str()), SIGKILL), 0) << *children;
  EXPECT_TRUE(ends(test.world().ended_fd()));
  EXPECT_EQ(test.world().set_next_pid(GuestTid{5}).error().code, ErrorCode::kGone);
  test.end();
}

TEST(Life, ATreeThatCannotBeMountedIsToldInWords) {
  WorldOptions options;
  options.mount_view = [](const std::string&) -> Result<std::vector<Fd>> {
    return failure(ErrorCode::kRefused, "mount the file view: no");
  };
  const auto world = World::create(TestWorld::usual(), std::move(options));
  ASSERT_FALSE(world);
  EXPECT_EQ(world.error().code, ErrorCode::kRefused);
  EXPECT_EQ(world.error().attempted, "mount the file view: no");
}

}  // namespace
}  // namespace llrun::testing
