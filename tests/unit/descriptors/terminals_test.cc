// The ioctl table against the kernel: what it says is written is what the kernel writes.
#include "tracer/objects/terminals.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/fd.h"
#include "tracer/objects/descriptors_view.h"

namespace llrun::tracer {
namespace {

// How many bytes of `fill` the call has changed, counted to the last one.
std::size_t bytes_changed(int fd, unsigned long command, unsigned char fill) {
  std::array<unsigned char, 128> argument{};
  argument.fill(fill);
  if (::ioctl(fd, command, argument.data()) != 0) return 0;
  std::size_t size = argument.size();
  while (size > 0 && argument[size - 1] == fill) --size;
  return size;
}

TEST(TerminalIoctls, TheKernelWritesNoMoreThanTheTableSays) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  const Fd keep_master(master);
  const Fd terminal(slave);
  for (const unsigned long command :
       {0x5401UL /* TCGETS */, 0x802c542aUL /* TCGETS2 */, 0x5405UL /* TCGETA */,
        0x5413UL /* TIOCGWINSZ */, 0x5411UL /* TIOCOUTQ */, 0x541bUL /* FIONREAD */,
        0x5424UL /* TIOCGETD */}) {
    const auto shape = terminal_ioctl(command);
    ASSERT_TRUE(shape) << std::hex << command;
    EXPECT_TRUE(shape->writes && !shape->reads && !shape->by_value) << std::hex << command;
    // Two fills: a byte that is written with the fill's own value is seen with the other.
    const std::size_t changed =
        std::max(bytes_changed(slave, command, 0xa5), bytes_changed(slave, command, 0x5a));
    EXPECT_EQ(changed, shape->size) << std::hex << command;
  }
}

TEST(TerminalIoctls, DirectionsAndUnknownOnes) {
  EXPECT_EQ(terminal_ioctl(TIOCSWINSZ)->size, sizeof(winsize));
  EXPECT_TRUE(terminal_ioctl(TIOCSWINSZ)->reads);
  EXPECT_TRUE(terminal_ioctl(TIOCSPGRP)->reads);
  EXPECT_TRUE(terminal_ioctl(TCSBRK)->by_value);
  EXPECT_TRUE(terminal_ioctl(TCSETSW)->may_block);
  EXPECT_TRUE(terminal_ioctl(TCFLSH)->changes_input);
  EXPECT_FALSE(terminal_ioctl(TIOCSETD));  // another line discipline brings home
  EXPECT_FALSE(terminal_ioctl(TIOCCONS));
  EXPECT_FALSE(terminal_ioctl(0));
}

TEST(Terminals, ByDeviceNumber) {
  EXPECT_TRUE(is_terminal(makedev(136, 0)));
  EXPECT_TRUE(is_terminal(makedev(143, 7)));
  EXPECT_TRUE(is_terminal(makedev(5, 0)));
  EXPECT_TRUE(is_terminal(makedev(4, 1)));
  EXPECT_FALSE(is_terminal(makedev(4, 64)));  // a serial line
  EXPECT_FALSE(is_terminal(makedev(5, 2)));   // ptmx
  EXPECT_TRUE(is_plain_device(makedev(1, 9)));
  EXPECT_FALSE(is_plain_device(makedev(1, 1)));  // mem
}

TEST(Terminals, NumbersOfPseudoTerminals) {
  EXPECT_EQ(pseudo_terminal_number(makedev(136, 7)), 7);
  EXPECT_EQ(pseudo_terminal_number(makedev(136, 300)), 300);
  EXPECT_EQ(pseudo_terminal_number(makedev(137, 1)), (1 << 20) + 1);
  EXPECT_FALSE(pseudo_terminal_number(makedev(136, 1U << 31)));  // another node's word
  EXPECT_FALSE(pseudo_terminal_number(makedev(5, 0)));
  EXPECT_FALSE(pseudo_terminal_number(makedev(4, 1)));
}

// TIOCGDEV tells which terminal a description is of, and that it has been hung up.
TEST(Terminals, WhatStandsBehindADescriptor) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  Fd keep_master(master);
  const Fd terminal(slave);
  struct stat status {};
  ASSERT_EQ(::fstat(slave, &status), 0);
  EXPECT_EQ(terminal_behind(slave).value(), status.st_rdev);
  keep_master.reset();
  EXPECT_FALSE(terminal_behind(slave));
}

// The name leads to each program's own: which it is, is told by the description.
TEST(Terminals, ADescriptionOfDevTtyIsOfTheOneBehindIt) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  Fd keep_master(master);
  const Fd terminal(slave);
  struct stat status {};
  ASSERT_EQ(::fstat(slave, &status), 0);
  image::Description record;
  record.set_kind(image::Description::KIND_TERMINAL);
  record.set_path("/dev/tty");
  record.set_device_number(makedev(5, 0));
  EXPECT_FALSE(name_terminal(slave, record));
  EXPECT_EQ(record.device_number(), status.st_rdev);
  keep_master.reset();
  const auto pin = name_terminal(slave, record);
  ASSERT_TRUE(pin);
  EXPECT_NE(pin->what.find("is the terminal /dev/tty, which has been closed"), std::string::npos);
}

}  // namespace
}  // namespace llrun::tracer
