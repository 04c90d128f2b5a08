// Terminals: the ioctls that are answered at home.
//
// A guest's terminal is a stand-in; what sets modes, sizes and the foreground group is done by the
// shadow on the true one, with the argument copied there and back.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

#include "base/result.h"

namespace llrun::tracer {

struct IoctlShape {
  std::size_t size = 0;    // bytes the argument points to
  bool reads = false;      // the kernel reads the argument: copy it to home before
  bool writes = false;     // the kernel writes it: copy it back after success
  bool by_value = false;   // the argument is a number, not an address
  bool may_block = false;  // waits for output to drain: a home call that can be interrupted
  bool changes_input =
      false;  // what has been fetched of the input may have to be given up or re-read
};

// Nothing: no ioctl of a terminal that we know; it brings the program home. The table is the
// kernel's own for x86-64 (asm-generic/ioctls.h, drivers/tty/tty_ioctl.c, tty_io.c, tty_jobctrl.c).
[[nodiscard]] std::optional<IoctlShape> terminal_ioctl(unsigned long command);

// Pseudo-terminals, virtual consoles and /dev/tty, by st_rdev.
[[nodiscard]] bool is_terminal(dev_t number);
// N of /dev/pts/N, by st_rdev; none: no pseudo-terminal.
[[nodiscard]] std::optional<int> pseudo_terminal_number(dev_t number);
// Which terminal stands behind an open /dev/tty, or another name. ENOTTY, or EIO: it has been hung
// up.
[[nodiscard]] Result<dev_t> terminal_behind(int fd);
// null, zero, full, random, urandom.
[[nodiscard]] bool is_plain_device(dev_t number);

}  // namespace llrun::tracer
