// Where a guest's path leads in home's tree, and where it leaves that.
#include "supervisor/home/path_walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace llrun {
namespace {

class PathWalk : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    std::filesystem::create_directory(root_ + "/sub");
    std::ofstream(root_ + "/sub/file") << "x";
    ASSERT_EQ(::mkfifo((root_ + "/fifo").c_str(), 0600), 0);
    link("sub", "to-sub");
    link("/proc/self/status", "status");
    link("/proc", "processes");
    link("/dev/null", "nothing");
    link("round", "round");
    link("../fifo", "sub/to-fifo");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void link(const std::string& target, const std::string& name) {
    ASSERT_EQ(::symlink(target.c_str(), (root_ + "/" + name).c_str()), 0);
  }
  PathEnd walk(const std::string& path, bool follow = true) {
    return walk_path(root_, path, follow);
  }
  std::string root_ = "/tmp/llrun-path-walk-XXXXXX";
};

TEST_F(PathWalk, FindsWhatAPathNames) {
  EXPECT_TRUE(S_ISREG(walk("sub/file").mode));
  EXPECT_TRUE(S_ISREG(walk("to-sub/../sub//./file").mode));
  EXPECT_TRUE(S_ISDIR(walk("to-sub/").mode));
  EXPECT_TRUE(S_ISFIFO(walk("to-sub/to-fifo").mode));
  EXPECT_TRUE(S_ISFIFO(walk(root_ + "/fifo").mode));
  EXPECT_TRUE(S_ISLNK(walk("sub/to-fifo", false).mode));
  EXPECT_TRUE(S_ISDIR(walk("/").mode));
  EXPECT_TRUE(S_ISDIR(walk("/..").mode));
}

TEST_F(PathWalk, SaysWhyThereIsNone) {
  EXPECT_EQ(walk("none").errno_value, ENOENT);
  EXPECT_EQ(walk("sub/file/x").errno_value, ENOTDIR);
  EXPECT_EQ(walk("round").errno_value, ELOOP);
}

TEST_F(PathWalk, LooksAtNoProcessOfThisNode) {
  EXPECT_EQ(walk("status").in_world, "/proc/self/status");
  EXPECT_EQ(walk("processes/self/../x").in_world, "/proc/self/../x");
  EXPECT_EQ(walk("/proc/self/cwd/x").in_world, "/proc/self/cwd/x");
  EXPECT_EQ(walk("/tmp/../proc").in_world, "/proc");
  EXPECT_EQ(walk("status", false).in_world, "");
}

TEST_F(PathWalk, SaysWhereThePathEnds) {
  EXPECT_EQ(walk("to-sub/../sub//./file").at, root_ + "/sub/file");
  EXPECT_EQ(walk("to-sub/to-fifo").at, root_ + "/fifo");
  EXPECT_EQ(walk("to-sub/to-fifo", false).at, root_ + "/sub/to-fifo");
  EXPECT_EQ(walk("to-sub/").at, root_ + "/sub");
  EXPECT_EQ(walk("/").at, "/");
  EXPECT_EQ(walk("/..").at, "/");
  EXPECT_EQ(walk("to-sub/none").at, root_ + "/sub/none");
  EXPECT_EQ(walk("to-sub/none/further").at, root_ + "/sub/none") << "as far as it goes";
  EXPECT_EQ(walk("/proc/self/status").at, "");
}

TEST_F(PathWalk, NamesDevicesByTheirOwnNames) {
  EXPECT_EQ(walk("nothing").in_world, "/dev/null");
  EXPECT_EQ(walk("/dev//null").in_world, "/dev/null");
  EXPECT_EQ(walk("/dev/shm").in_world, "");
  EXPECT_EQ(walk("/dev/no-such-device").in_world, "/dev/no-such-device");
}

}  // namespace
}  // namespace llrun
