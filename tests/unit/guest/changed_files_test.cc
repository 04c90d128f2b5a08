// Which files a call changes. The guest is this process.
#include "supervisor/guest/changed_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <type_traits>
#include <vector>

namespace llrun {
namespace {

using protocol::Classify;

template <typename T>
std::uint64_t word([[maybe_unused]] T value) {
  if constexpr (std::is_null_pointer_v<T>)
    return 0;
  else if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<std::uint64_t>(value);
  else
    return static_cast<std::uint64_t>(value);
}

template <typename... Args>
NotifiedCall called(long number, Args... args) {
  NotifiedCall call;
  call.number = static_cast<std::uint32_t>(number);
  std::size_t i = 0;
  ((call.args[i++] = word(args)), ...);
  return call;
}

std::vector<ChangedFile> files_of(const NotifiedCall& call) {
  auto files = changed_files({::getpid()}, call);
  EXPECT_TRUE(files) << call.number;
  return files.value_or(std::vector<ChangedFile>());
}

ChangedFile one_of(const NotifiedCall& call) {
  const auto files = files_of(call);
  EXPECT_EQ(files.size(), 1U) << call.number;
  return files.empty() ? ChangedFile() : files.front();
}

TEST(ChangedFiles, APathFromTheWorkingDirectory) {
  for (const long number : {SYS_chmod, SYS_chown, SYS_utimes, SYS_setxattr, SYS_removexattr}) {
    const auto file = one_of(called(number, "some/file"));
    EXPECT_EQ(file.path, "some/file");
    EXPECT_EQ(file.directory, AT_FDCWD);
    EXPECT_TRUE(file.follow) << number;
    EXPECT_EQ(file.use, Classify::USE_CHANGE);
  }
}

TEST(ChangedFiles, WhatIsAboutANameFollowsNoLink) {
  for (const long number : {SYS_unlink, SYS_rmdir, SYS_mkdir, SYS_lchown, SYS_lsetxattr})
    EXPECT_FALSE(one_of(called(number, "link")).follow) << number;
  EXPECT_FALSE(one_of(called(SYS_unlinkat, 7, "link", 0)).follow);
  EXPECT_FALSE(one_of(called(SYS_mkdirat, 7, "link", 0700)).follow);
}

TEST(ChangedFiles, APathFromADirectory) {
  const auto file = one_of(called(SYS_unlinkat, 7, "file", AT_REMOVEDIR));
  EXPECT_EQ(file.directory, 7);
  EXPECT_EQ(file.path, "file");
}

TEST(ChangedFiles, FlagsSayWhetherALinkIsFollowed) {
  EXPECT_TRUE(one_of(called(SYS_fchownat, 7, "x", 1, 1, 0)).follow);
  EXPECT_FALSE(one_of(called(SYS_fchownat, 7, "x", 1, 1, AT_SYMLINK_NOFOLLOW)).follow);
  EXPECT_FALSE(one_of(called(SYS_utimensat, 7, "x", nullptr, AT_SYMLINK_NOFOLLOW)).follow);
  EXPECT_TRUE(one_of(called(SYS_fchmodat, 7, "x", 0600)).follow);
  const auto linked = files_of(called(SYS_linkat, 7, "x", 8, "y", 0));
  const auto followed = files_of(called(SYS_linkat, 7, "x", 8, "y", AT_SYMLINK_FOLLOW));
  ASSERT_TRUE(linked.size() == 2 && followed.size() == 2);
  EXPECT_FALSE(linked[0].follow);
  EXPECT_TRUE(followed[0].follow);
}

TEST(ChangedFiles, ADescriptorIsItsOwnFile) {
  for (const long number : {SYS_fchmod, SYS_fchown, SYS_fsetxattr, SYS_fremovexattr}) {
    const auto file = one_of(called(number, 5));
    EXPECT_EQ(file.directory, 5);
    EXPECT_EQ(file.path, "");
  }
  const auto by_null = one_of(called(SYS_utimensat, 5, nullptr, nullptr, 0));
  EXPECT_EQ(by_null.directory, 5);
  EXPECT_EQ(by_null.path, "");
  const auto by_nothing = one_of(called(SYS_fchownat, 5, "", 1, 1, AT_EMPTY_PATH));
  EXPECT_EQ(by_nothing.directory, 5);
  EXPECT_EQ(by_nothing.path, "");
}

TEST(ChangedFiles, BothNamesOfAMove) {
  for (const auto& call :
       {called(SYS_renameat, 7, "from", 8, "to"), called(SYS_renameat2, 7, "from", 8, "to", 0),
        called(SYS_linkat, 7, "from", 8, "to", 0)}) {
    const auto files = files_of(call);
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].directory, 7);
    EXPECT_EQ(files[0].path, "from");
    EXPECT_EQ(files[1].directory, 8);
    EXPECT_EQ(files[1].path, "to");
    for (const auto& file : files) {
      EXPECT_EQ(file.use, Classify::USE_MOVE);
      EXPECT_FALSE(file.follow);
    }
  }
  for (const long number : {SYS_rename, SYS_link}) {
    const auto files = files_of(called(number, "from", "/to"));
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].path, "from");
    EXPECT_EQ(files[1].path, "/to");
    EXPECT_EQ(files[1].directory, AT_FDCWD);
  }
}

TEST(ChangedFiles, WhatASymbolicLinkSaysIsNoFile) {
  const auto file = one_of(called(SYS_symlink, "target", "name"));
  EXPECT_EQ(file.path, "name");
  EXPECT_EQ(file.use, Classify::USE_MOVE);
  EXPECT_FALSE(file.follow);
  const auto there = one_of(called(SYS_symlinkat, "target", 7, "name"));
  EXPECT_EQ(there.path, "name");
  EXPECT_EQ(there.directory, 7);
}

TEST(ChangedFiles, CuttingAFileChangesWhatIsInIt) {
  const auto file = one_of(called(SYS_truncate, "file", 0));
  EXPECT_EQ(file.use, Classify::USE_WRITE);
  EXPECT_TRUE(file.follow);
}

TEST(ChangedFiles, APathThatIsNotThereIsAnError) {
  EXPECT_FALSE(changed_files({::getpid()}, called(SYS_chmod, 8, 0600)));
  EXPECT_FALSE(changed_files({::getpid()}, called(SYS_chmod, nullptr, 0600)));
  EXPECT_FALSE(changed_files({::getpid()}, called(SYS_rename, "from", 8)));
  EXPECT_FALSE(changed_files({::getpid()}, called(100'000)));
}

}  // namespace
}  // namespace llrun
