// A program that has ended is said to have, by whatever of it was looked at, and not to be
// forbidden.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tracer/objects/measures.h"
#include "tracer/procfs/ending.h"
#include "tracer/procfs/pagemap.h"
#include "tracer/procfs/smaps.h"

namespace llrun::tracer {
namespace {

class Ended : public testing::Test {
 protected:
  void SetUp() override {
    pid_ = ::fork();
    if (pid_ == 0) ::_exit(0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  }
  void TearDown() override { ::waitpid(pid_, nullptr, 0); }
  template <typename Looked>
  void expect_gone(const Looked& looked) {
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().code, ErrorCode::kGone) << looked.error().message();
    EXPECT_NE(looked.error().message().find("has ended"), std::string::npos);
  }
  pid_t pid_ = 0;
};

// Root may look, and sees nothing: for anybody else it is EACCES.
TEST_F(Ended, IsWhatItsFilesSay) {
  if (::geteuid() == 0) {
    ASSERT_EQ(::seteuid(64123), 0);
  }
  const auto pages = PageMap::open(HostPid{pid_});
  const auto mappings = read_smaps(HostPid{pid_});
  const auto measures = measure(HostPid{pid_});
  if (::getuid() == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  expect_gone(pages);
  expect_gone(mappings);
  expect_gone(measures);
}

TEST_F(Ended, IsNotWhatAnotherUsersProgramIs) {
  const Error denied{ErrorCode::kSystem, EACCES, "open it"};
  EXPECT_EQ(ended_or(HostPid{1}, denied).code, ErrorCode::kSystem);
  EXPECT_EQ(ended_or(HostPid{pid_}, denied).code, ErrorCode::kGone);
  const Error other{ErrorCode::kSystem, EIO, "read it"};
  EXPECT_EQ(ended_or(HostPid{pid_}, other).code, ErrorCode::kSystem);
}

}  // namespace
}  // namespace llrun::tracer
