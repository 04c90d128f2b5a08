#include "supervisor/config/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace llrun::config {
namespace {

class PathsTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/llrun-paths-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    directory_ = path;
    ::setenv("XDG_RUNTIME_DIR", path, 1);
  }
  void TearDown() override {
    ::unlink((directory_ + "/llrun").c_str());
    ::rmdir((directory_ + "/llrun").c_str());
    ::rmdir(directory_.c_str());
  }
  std::string directory_;
};

TEST_F(PathsTest, SocketsAreInADirectoryOfOnesOwn) {
  const auto path = socket_path("b");
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(*path, directory_ + "/llrun/b.sock");
  struct stat status {};
  ASSERT_EQ(::stat((directory_ + "/llrun").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(PathsTest, RefusesADirectoryThatOthersMayEnter) {
  ASSERT_EQ(::mkdir((directory_ + "/llrun").c_str(), 0700), 0);
  ASSERT_EQ(::chmod((directory_ + "/llrun").c_str(), 0755), 0);
  const auto refused = runtime_directory();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kRefused);
}

TEST_F(PathsTest, RefusesALinkInItsPlace) {
  ASSERT_EQ(::symlink("/tmp", (directory_ + "/llrun").c_str()), 0);
  EXPECT_FALSE(runtime_directory());
}

TEST_F(PathsTest, AStoppedAgentIsRemembered) {
  EXPECT_FALSE(was_stopped("b"));
  remember_stopped("b");
  EXPECT_TRUE(was_stopped("b"));
  EXPECT_FALSE(was_stopped("c"));
  forget_stopped("b");
  EXPECT_FALSE(was_stopped("b"));
}

TEST_F(PathsTest, StateIsKeptApartForEachMachine) {
  ::setenv("XDG_STATE_HOME", (directory_ + "/llrun").c_str(), 1);
  const auto path = state_directory();
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_TRUE(path->starts_with(directory_ + "/llrun/llrun/")) << *path;
  EXPECT_GT(path->size(), (directory_ + "/llrun/llrun/").size());
  ASSERT_EQ(::rmdir(path->c_str()), 0);
  ASSERT_EQ(::rmdir((directory_ + "/llrun/llrun").c_str()), 0);
}

}  // namespace
}  // namespace llrun::config
