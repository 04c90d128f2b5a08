#include "netproxy/homefs/notice_thread.h"

#include <gtest/gtest.h>

namespace llrun::homefs {
namespace {

// A pipe is full sooner than a kernel waits: whoever sends without end is told no.
TEST(NoticeThread, KeepsNoMoreThanItsBoundOfWhatTheKernelDoesNotTake) {
  auto kernel = make_pipe();
  ASSERT_TRUE(kernel);
  auto notices = NoticeThread::start(std::move(kernel->second));
  ASSERT_TRUE(notices);
  const Frame notice(4096);
  std::size_t bytes = 0;
  while (bytes < 16 * NoticeThread::kMostBytes && (*notices)->post(notice)) bytes += notice.size();
  EXPECT_LE(bytes, NoticeThread::kMostBytes + (1 << 20));  // and what the pipe has taken
  kernel->first.reset();                                   // the one under way ends (EPIPE)
}

}  // namespace
}  // namespace llrun::homefs
