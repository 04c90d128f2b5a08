// The tree mark (base/tree_mark.h) goes on to whatever comes from a process, through forks and
// execs and when everybody between has ended, may be set from outside, and is not seen by anything
// else.
#include "base/tree_mark.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "base/fd.h"

namespace llrun {
namespace {

// In a child that first does `before`, then forks another, ends, and leaves that one to this
// process: the pid of the other, which has exec'ed `sleep`.
template <typename Before>
pid_t orphan(Before before) {
  auto told = make_pipe();
  EXPECT_TRUE(told);
  const pid_t parent = ::fork();
  if (parent == 0) {
    before();
    const pid_t child = ::fork();
    if (child == 0) {
      ::setsid();
      ::execlp("sleep", "sleep", "1000", nullptr);  // the pipe closes when that has been done
      ::_exit(127);
    }
    [[maybe_unused]] const auto written = ::write(told->second.get(), &child, sizeof child);
    ::_exit(0);
  }
  told->second.reset();
  pid_t child = 0;
  char rest = 0;
  EXPECT_EQ(::read(told->first.get(), &child, sizeof child), ssize_t{sizeof child});
  EXPECT_EQ(::read(told->first.get(), &rest, 1), 0) << "both have let go of the pipe";
  EXPECT_EQ(::waitpid(parent, nullptr, 0), parent);
  return child;
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

// The whole of it.
unsigned long filter_of(pid_t pid) {
  const auto text = read_whole_file("/proc/" + std::to_string(pid) + "/coredump_filter");
  return text ? std::stoul(*text, nullptr, 16) : 0;
}

class TreeMark : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0); }
};

TEST_F(TreeMark, GoesOnThroughForkAndExec) {
  const pid_t marked = orphan([] { tree_mark::write(::getpid(), tree_mark::kAll); });
  EXPECT_EQ(tree_mark::read(marked), tree_mark::kAll);
  const pid_t other = orphan([] { tree_mark::write(::getpid(), tree_mark::kUnderLlrun); });
  EXPECT_EQ(tree_mark::read(other), tree_mark::kUnderLlrun);
  end(marked);
  end(other);
}

TEST_F(TreeMark, IsNotOnWhatNobodyMarked) {
  const pid_t plain = orphan([] { tree_mark::clear_own(); });
  EXPECT_EQ(tree_mark::read(plain), 0UL);
  const auto before = filter_of(plain);
  tree_mark::write(plain, tree_mark::kUnderLlrun);  // as for a program that is attached to
  EXPECT_EQ(filter_of(plain), before | tree_mark::kUnderLlrun);
  tree_mark::write(plain, 0);
  EXPECT_EQ(filter_of(plain), before) << "the rest of the filter is as it was";
  end(plain);
}

}  // namespace
}  // namespace llrun
