#include "netproxy/channel/channel_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/channel/channel_fixture.h"

namespace llrun::testing {
namespace {

std::string read_to_end(int fd) {
  std::string text;
  char piece[4096];
  for (ssize_t count; (count = ::read(fd, piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(count));
  return text;
}

TEST(ChannelProcess, IsAChannelToACommand) {
  auto process = ChannelProcess::start({"cat"}, -1);
  ASSERT_TRUE(process) << process.error().message();
  Listener a;
  a.open((*process)->take_in(), (*process)->take_out());
  a.channel->send(wire::FrameType::kJob, 0, 0, std::string("there and back"));
  a.stop_after_frames = 1;
  a.run();
  ASSERT_EQ(a.frames.size(), 1U);
  EXPECT_EQ(text_of(a.frames[0].payload), "there and back");
  a.channel.reset();
  const auto ending = (*process)->wait(kGenerous);
  ASSERT_TRUE(ending);
  EXPECT_EQ(*ending, "exited with status 0");
}

TEST(ChannelProcess, SaysHowTheCommandEnded) {
  auto process = ChannelProcess::start({"sh", "-c", "exit 255"}, -1);
  ASSERT_TRUE(process);
  EXPECT_EQ((*process)->wait(kGenerous).value_or(""), "exited with status 255");
  const auto missing = ChannelProcess::start({"no-such-command-here"}, -1);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().errno_value, ENOENT);
}

TEST(ChannelProcess, InheritsNothingAndHasItsOwnSession) {
  const int stray = ::dup(STDIN_FILENO);  // not close-on-exec, as a careless library leaves them
  auto process =
      ChannelProcess::start({"sh", "-c", "ls /proc/$$/fd; ps -o sid= -p $$; echo $$; trap"}, -1);
  ASSERT_TRUE(process);
  const std::string text = read_to_end((*process)->in());
  ::close(stray);
  EXPECT_EQ(text.substr(0, 6), "0\n1\n2\n");
  const auto session = std::strtol(text.c_str() + 6, nullptr, 10);
  EXPECT_EQ(session, (*process)->pid().value) << text;
}

TEST(ChannelProcess, SendsComplaintsWhereTheyAreWanted) {
  auto complaints = make_pipe();
  ASSERT_TRUE(complaints);
  auto process = ChannelProcess::start({"sh", "-c", "echo denied >&2"}, complaints->second.get());
  ASSERT_TRUE(process);
  complaints->second.reset();
  EXPECT_EQ(read_to_end(complaints->first.get()), "denied\n");
}

TEST(ChannelProcess, EndsACommandThatDoesNotWantTo) {
  auto process = ChannelProcess::start(
      {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done"}, -1);
  ASSERT_TRUE(process);
  char ready[6];
  ASSERT_EQ(::read((*process)->in(), ready, sizeof ready), 6);
  (*process)->end(std::chrono::milliseconds(1));
  EXPECT_EQ((*process)->wait(kGenerous).value_or(""), "killed by signal 9");
}

}  // namespace
}  // namespace llrun::testing
