#include "supervisor/config/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace llrun::config {
namespace {

class PathsTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/llrun-paths-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    root_ = path;
    ::setenv("LLRUN_RUNTIME_ROOT", path, 1);
    for (const auto* part : {"/tmp", "/run", "/run/user"})
      ASSERT_EQ(::mkdir((root_ + part).c_str(), 0755), 0);
    session_ = root_ + "/run/user/" + std::to_string(::getuid());
    always_ = root_ + "/tmp/llrun-" + std::to_string(::getuid());
  }
  void TearDown() override { ASSERT_EQ(std::system(("rm -r " + root_).c_str()), 0); }
  void log_in() { ASSERT_EQ(::mkdir(session_.c_str(), 0700), 0); }
  void log_out() { ASSERT_EQ(std::system(("rm -r " + session_).c_str()), 0); }

  std::string root_, session_, always_;
};

TEST_F(PathsTest, SocketsAreInADirectoryOfOnesOwn) {
  log_in();
  const auto path = socket_path("b");
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(*path, session_ + "/llrun/b.sock");
  struct stat status {};
  ASSERT_EQ(::stat((session_ + "/llrun").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(PathsTest, TheEnvironmentSaysNothingOfThePlace) {
  log_in();
  const auto without = agent_addresses("b");
  ::setenv("XDG_RUNTIME_DIR", root_.c_str(), 1);
  const auto with = agent_addresses("b");
  ::unsetenv("XDG_RUNTIME_DIR");
  ASSERT_TRUE(without && with);
  EXPECT_EQ(*without, *with);
}

// What listens at all addresses is found by whoever looks before or after.
TEST_F(PathsTest, ALoginOrItsEndLeavesAnAddressThatWasThere) {
  const auto before = agent_addresses("b");
  log_in();
  const auto meanwhile = agent_addresses("b");
  log_out();
  const auto after = agent_addresses("b");
  ASSERT_TRUE(before && meanwhile && after);
  EXPECT_EQ(before->front(), always_ + "/b.sock");
  EXPECT_EQ(meanwhile->front(), session_ + "/llrun/b.sock");
  EXPECT_EQ((*meanwhile)[1], before->front());
  EXPECT_EQ(*after, *before);
  EXPECT_TRUE(before->back().starts_with("@")) << "a name, which cannot be removed";
  EXPECT_EQ(before->back(), meanwhile->back());
}

TEST_F(PathsTest, WhatOthersMayEnterIsNoPlace) {
  log_in();
  ASSERT_EQ(::mkdir((session_ + "/llrun").c_str(), 0700), 0);
  ASSERT_EQ(::chmod((session_ + "/llrun").c_str(), 0755), 0);
  EXPECT_EQ(*runtime_directory(), always_);
  ASSERT_EQ(::chmod(always_.c_str(), 0755), 0);
  const auto refused = runtime_directory();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kRefused);
  EXPECT_NE(refused.error().message().find(always_), std::string::npos);
}

TEST_F(PathsTest, ASessionsDirectoryThatOthersMayWriteIsNone) {
  log_in();
  ASSERT_EQ(::chmod(session_.c_str(), 0770), 0);
  EXPECT_EQ(*runtime_directory(), always_);
}

TEST_F(PathsTest, ALinkIsNoPlace) {
  log_in();
  ASSERT_EQ(::symlink("/tmp", (session_ + "/llrun").c_str()), 0);
  EXPECT_EQ(*runtime_directory(), always_);
  ASSERT_EQ(::rmdir(always_.c_str()), 0);
  ASSERT_EQ(::symlink("/tmp", always_.c_str()), 0);
  EXPECT_FALSE(runtime_directory());
  log_out();
  ASSERT_EQ(::symlink("/tmp", session_.c_str()), 0);
  EXPECT_FALSE(runtime_directory());
  ASSERT_EQ(::unlink(session_.c_str()), 0);
  ASSERT_EQ(::mkdir(session_.c_str(), 0700), 0);
}

TEST_F(PathsTest, AStoppedAgentIsRememberedThroughALogout) {
  log_in();
  EXPECT_FALSE(was_stopped("b"));
  remember_stopped("b");
  EXPECT_TRUE(was_stopped("b"));
  EXPECT_FALSE(was_stopped("c"));
  log_out();
  EXPECT_TRUE(was_stopped("b"));
  log_in();
  EXPECT_TRUE(was_stopped("b"));
  forget_stopped("b");
  EXPECT_FALSE(was_stopped("b"));
  std::ofstream(always_ + "/b.stopped") << "another-boot";
  EXPECT_FALSE(was_stopped("b")) << "the machine has been started anew since";
}

TEST_F(PathsTest, StateIsKeptApartForEachMachine) {
  ::setenv("XDG_STATE_HOME", (root_ + "/tmp").c_str(), 1);
  const auto path = state_directory();
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_TRUE(path->starts_with(root_ + "/tmp/llrun/")) << *path;
  EXPECT_GT(path->size(), (root_ + "/tmp/llrun/").size());
}

}  // namespace
}  // namespace llrun::config
