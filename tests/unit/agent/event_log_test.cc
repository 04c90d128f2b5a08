#include "supervisor/agent/event_log.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/unit/control/fixture.h"

namespace llrun::agent {
namespace {

class EventLogTest : public control::ControlFixture {
 protected:
  void TearDown() override {
    ::unlink(file().c_str());
    ::unlink((file() + ".1").c_str());
    ControlFixture::TearDown();
  }
  [[nodiscard]] std::string file() const { return directory_ + "/log"; }
};

TEST_F(EventLogTest, OneEventIsOneLineForFileAndFollowers) {
  EventLog log(file(), "agent a");
  std::vector<std::string> followed;
  log.follow(
      [&](const std::string& line) { return followed.push_back(line), followed.size() < 2; });
  log.add("first");
  log.add("home 1", "second\nand a forged line");
  log.add("third");
  const auto lines = last_lines(file(), 2);
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_TRUE((*lines)[0].ends_with(" home 1: second and a forged line")) << (*lines)[0];
  EXPECT_TRUE((*lines)[1].ends_with(" agent a: third"));
  ASSERT_EQ(followed.size(), 2U) << "a follower that has gone is not told any more";
  EXPECT_EQ(followed[1], (*lines)[0]);
}

TEST_F(EventLogTest, IsTurnedOverBeforeItGrowsTooLarge) {
  std::ofstream(file()) << std::string(EventLog::kMaxBytes, '\n');
  EventLog log(file(), "agent a");
  log.add("the last in the old");
  log.add("the first in the new");
  struct stat old {};
  ASSERT_EQ(::stat((file() + ".1").c_str(), &old), 0);
  EXPECT_GT(static_cast<std::size_t>(old.st_size), EventLog::kMaxBytes);
  const auto lines = last_lines(file(), 10);
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->size(), 1U);
}

}  // namespace
}  // namespace llrun::agent
