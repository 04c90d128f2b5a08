// Nothing of the peer shows in a world, and what does is home's: mounts, devices, network, names,
// clocks.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "tests/kernel/world/test_world.h"

namespace llrun::testing {
namespace {

class Isolation : public ::testing::Test {
 protected:
  void SetUp() override {
    test_.build();
    ASSERT_FALSE(HasFatalFailure());
    test_.start_guest();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(test_.world().release_guest());
  }
  void TearDown() override { test_.end(); }
  TestWorld test_;
};

constexpr std::array kKeys{"/proc/keys", "/proc/key-users"};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST_F(Isolation, TheMountsAreThoseOfTheWorld) {
  const std::string mounts = test_.ask("slurp /proc/self/mountinfo");
  // Root, /proc, /dev, its six devices, pts and shm; and what covers the keys of this node's user.
  const auto keys =
      std::ranges::count_if(kKeys, [](const char* file) { return ::access(file, F_OK) == 0; });
  EXPECT_EQ(count(mounts, "|"), 11U + static_cast<std::size_t>(keys)) << mounts;
  for (const char* place :
       {" / ", " /proc ", " /dev ", " /dev/null ", " /dev/zero ", " /dev/full ", " /dev/random ",
        " /dev/urandom ", " /dev/tty ", " /dev/pts ", " /dev/shm "})
    EXPECT_GE(count(mounts, place), 1U) << place << " in " << mounts;
  EXPECT_EQ(test_.ask("list /"), "answer ask dev proc ");
}

TEST_F(Isolation, TheKeysOfThisNodesUserDoNotShow) {
  for (const char* file : kKeys)
    EXPECT_EQ(test_.ask(std::string("slurp ") + file), ::access(file, F_OK) == 0 ? "" : "ENOENT");
}

TEST_F(Isolation, DevicesAreTheHarmlessOnes) {
  EXPECT_EQ(test_.ask("list /dev"),
            "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ");
  for (const char* device : {"null", "zero", "full", "random", "urandom"})
    EXPECT_EQ(test_.ask(std::string("open /dev/") + device), "ok") << device;
  EXPECT_EQ(test_.ask("list /dev/pts"), "ptmx ");
  EXPECT_EQ(test_.ask("create /dev/file"), "Read-only file system");
  EXPECT_EQ(test_.ask("create /dev/shm/object"), "ok");
}

TEST_F(Isolation, InitTellsNothingOfTheNode) {
  EXPECT_EQ(test_.ask("open /proc/1/environ"), "Permission denied");
  EXPECT_EQ(test_.ask("open /proc/1/maps"), "Permission denied");
  EXPECT_EQ(test_.ask("slurp /proc/1/cmdline").find("world_test"), std::string::npos);
  EXPECT_EQ(test_.ask("list /proc/1/fd"), "");
}

TEST_F(Isolation, TheNetworkIsALoopbackWithEveryAddress) {
  EXPECT_EQ(test_.ask("interfaces"), "lo ");
  EXPECT_EQ(test_.ask("connect 127.0.0.1"), "ok");
  EXPECT_EQ(test_.ask("connect 192.0.2.17"), "ok");
}

TEST_F(Isolation, TheHostNameIsHomes) {
  EXPECT_EQ(test_.ask("host"), "home.example.org homedomain");
}

// To the nanosecond what was ordered, however long ago that was.
TEST_F(Isolation, HomesClocksGoOn) {
  const auto before = read_clocks();
  const auto shown = test_.ask_numbers("clocks");
  const auto after = read_clocks();
  const auto home = TestWorld::usual();
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_GE(shown[0], before.monotonic_ns + home.monotonic_ahead_ns());
  EXPECT_LE(shown[0], after.monotonic_ns + home.monotonic_ahead_ns());
  EXPECT_GE(shown[1], before.boottime_ns + home.boottime_ahead_ns());
  EXPECT_LE(shown[1], after.boottime_ns + home.boottime_ahead_ns());
}

TEST_F(Isolation, CapabilitiesEndWhenTheyAreDropped) {
  const std::string before = test_.ask("slurp /proc/self/status");
  // CHECKPOINT_RESTORE (40) and SYS_ADMIN (21), and no others.
  EXPECT_NE(before.find("CapEff:\t0000010000200000"), std::string::npos) << before;
  EXPECT_EQ(test_.ask("drop"), "ok");
  const std::string after = test_.ask("slurp /proc/self/status");
  for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"})
    EXPECT_NE(after.find(std::string(set) + ":\t0000000000000000"), std::string::npos) << after;
  EXPECT_EQ(test_.ask("sethost other"), "Operation not permitted");
  EXPECT_NE(after.find("NoNewPrivs:\t0"), std::string::npos);
}

// All timers and waiting signals of a user are counted together: kernel/signal.c,
// sigqueue_alloc.
TEST(Bounds, TimersOfAGuestLeaveTheNodesUserTheLargerPart) {
  constexpr rlim_t kOwn = 400;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_SIGPENDING, &before), 0);
  const rlimit own{kOwn, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_SIGPENDING, &own), 0);
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  test.start_guest();
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_TRUE(test.world().release_guest());
  const int made = std::stoi(test.ask("timers 1000"));
  EXPECT_GT(made, 0);
  EXPECT_LE(made, static_cast<int>(kOwn / 4));
  test.end();
  ASSERT_EQ(::setrlimit(RLIMIT_SIGPENDING, &before), 0);
}

}  // namespace
}  // namespace llrun::testing
