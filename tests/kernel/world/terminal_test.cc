// The terminal of a guest has home's name and is the session's.
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/kernel/world/test_world.h"

namespace llrun::testing {
namespace {

void expect_terminal(const protocol::MakeWorld& make) {
  TestWorld test(make);
  test.build();
  ASSERT_FALSE(::testing::Test::HasFatalFailure());
  auto master = test.world().open_terminal("/dev/pts/7", true);
  ASSERT_TRUE(master) << master.error().message();
  test.start_guest();
  ASSERT_FALSE(::testing::Test::HasFatalFailure());
  ASSERT_TRUE(test.world().release_guest());
  EXPECT_EQ(test.ask("tty"), "ok");
  // Name, isatty, session, foreground group, raw.
  EXPECT_EQ(test.ask("terminal /dev/pts/7"), "/dev/pts/7 1 " + std::to_string(make.session()) +
                                                 " " + std::to_string(make.group()) + " 1");
  EXPECT_EQ(test.ask("list /dev/pts"), "7 ptmx ");
  EXPECT_EQ(test.ask("write tick\ttock"), "ok");
  std::array<std::byte, 9> output{};
  ASSERT_TRUE(read_all(master->get(), output));
  EXPECT_EQ(text_of(output), "tick\ttock");
  ASSERT_TRUE(write_all(master->get(), bytes_of(std::string_view("\x03 is a byte"))));
  EXPECT_EQ(test.ask("read"), "\x03 is a byte");
  test.end();
}

TEST(Terminal, OfAShellsJob) { expect_terminal(TestWorld::usual()); }

TEST(Terminal, OfASessionLeader) {
  auto make = TestWorld::usual();
  make.set_session(make.pid());
  make.set_group(make.pid());
  expect_terminal(make);
}

TEST(Terminal, OfAContainersShell) {
  auto make = TestWorld::usual();
  make.set_parent(1);
  make.set_session(1);
  expect_terminal(make);
}

TEST(Terminal, WhatIsNoPseudoTerminalIsRefused) {
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  for (const char* path : {"/dev/tty1", "/dev/pts/", "/dev/pts/x", "/dev/pts/-1"})
    EXPECT_EQ(test.world().open_terminal(path, true).error().code, ErrorCode::kUnsupported) << path;
  EXPECT_EQ(test.world().open_terminal("/dev/pts/4000000", true).error().code,
            ErrorCode::kUnsupported);
}

TEST(Terminal, WithoutOneThereIsNone) {
  TestWorld test;
  test.build();
  ASSERT_FALSE(HasFatalFailure());
  test.start_guest();
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_TRUE(test.world().release_guest());
  EXPECT_EQ(test.ask("tty"), "No such device or address");
}

}  // namespace
}  // namespace llrun::testing
