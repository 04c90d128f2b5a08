#include "supervisor/agent/loads_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/fd.h"
#include "supervisor/agent/switches.h"

namespace llrun::agent {
namespace {

std::size_t words_in(const std::string& line) {
  std::istringstream words(line);
  std::size_t count = 0;
  for (std::string word; words >> word;) ++count;
  return count;
}

TEST(LoadsFile, HasOneLineANodeWithAsManyColumnsAsTheHeading) {
  protocol::Load here, gone;
  here.set_node("a");
  here.set_reachable(true);
  here.set_levelling(false);
  here.set_accepts(true);
  here.set_run_queue(1.5);
  here.set_pressure_cpu(-1);
  gone.set_node("b");
  const protocol::Load loads[] = {here, gone};
  std::istringstream lines(loads_text(loads));
  std::string heading, first, second;
  ASSERT_TRUE(std::getline(lines, heading) && std::getline(lines, first) &&
              std::getline(lines, second));
  EXPECT_TRUE(heading.starts_with("#node level guests-welcome load"));
  EXPECT_TRUE(first.starts_with("a off yes 1.50 ")) << first;
  EXPECT_TRUE(second.starts_with("b unreachable ")) << second;
  EXPECT_EQ(words_in(first), words_in(heading));
  EXPECT_EQ(words_in(second), words_in(heading));
}

TEST(LoadsFile, IsReplacedAsAWhole) {
  const std::string file = "/tmp/llrun-loads-" + std::to_string(::getpid());
  ASSERT_TRUE(write_loads(file, "one\n"));
  ASSERT_TRUE(write_loads(file, "two\n"));
  EXPECT_EQ(*read_whole_file(file), "two\n");
  EXPECT_NE(::access((file + ".new").c_str(), F_OK), 0);
  ::unlink(file.c_str());
  EXPECT_FALSE(write_loads("/proc/no/such", ""));
}

TEST(Switches, OutliveTheAgentUntilTheyAreAsConfigured) {
  const std::string file = "/tmp/llrun-switches-" + std::to_string(::getpid());
  const std::string other = file + "-elsewhere";
  const auto files = [&] { return std::vector{file, other}; };
  const config::Config config;
  KeptSwitches first(config, files);
  first.set({false, true, true});
  EXPECT_EQ(KeptSwitches(config, files).now(), (Switches{false, true, true}));
  ::unlink(file.c_str());
  EXPECT_EQ(KeptSwitches(config, files).now(), (Switches{false, true, true}))
      << "one place has gone, with what was kept there";
  std::ofstream(other) << "0 0 0 another-boot\n";
  EXPECT_EQ(KeptSwitches(config, files).now(), (Switches{true, true, false}));
  first.keep();
  EXPECT_EQ(::access(file.c_str(), F_OK), 0);
  first.set({true, true, false});
  EXPECT_NE(::access(file.c_str(), F_OK), 0);
  EXPECT_NE(::access(other.c_str(), F_OK), 0);
  KeptSwitches last(config, files);
  last.drain_until_the_end();
  EXPECT_TRUE(last.now().draining);
  last.keep();
  EXPECT_FALSE(KeptSwitches(config, files).now().draining);
}

}  // namespace
}  // namespace llrun::agent
