#include <asm/ioctls.h>
#include <asm/termbits.h>

#include <algorithm>
#include <array>

#include "tracer/objects/terminals.h"

namespace llrun::tracer {
namespace {

struct Row {
  unsigned long command;
  IoctlShape shape;
};

constexpr IoctlShape gets(std::size_t size) { return {.size = size, .writes = true}; }
constexpr IoctlShape sets(std::size_t size) { return {.size = size, .reads = true}; }
constexpr IoctlShape waits(IoctlShape shape) {
  shape.may_block = true;
  return shape;
}
constexpr IoctlShape input(IoctlShape shape) {
  shape.changes_input = true;
  return shape;
}
constexpr IoctlShape value() { return {.by_value = true}; }

// termbits.h is the kernel's: struct termios here is its 36 bytes, not glibc's 60.
constexpr std::size_t kModes = sizeof(struct termios);
constexpr std::size_t kModes2 = sizeof(struct termios2);
constexpr std::size_t kOldModes = 18;  // struct termio: five shorts and eight characters, padded
constexpr std::size_t kWindow = 8;     // struct winsize
constexpr std::size_t kInt = sizeof(int);

constexpr std::array kTable = {Row{TCGETS, gets(kModes)},
                               Row{TCSETS, input(sets(kModes))},
                               Row{TCSETSW, input(waits(sets(kModes)))},
                               Row{TCSETSF, input(waits(sets(kModes)))},
                               Row{TCGETS2, gets(kModes2)},
                               Row{TCSETS2, input(sets(kModes2))},
                               Row{TCSETSW2, input(waits(sets(kModes2)))},
                               Row{TCSETSF2, input(waits(sets(kModes2)))},
                               Row{TCGETA, gets(kOldModes)},
                               Row{TCSETA, input(sets(kOldModes))},
                               Row{TCSETAW, input(waits(sets(kOldModes)))},
                               Row{TCSETAF, input(waits(sets(kOldModes)))},
                               Row{TIOCGLCKTRMIOS, gets(kModes)},
                               Row{TIOCGWINSZ, gets(kWindow)},
                               Row{TIOCSWINSZ, sets(kWindow)},
                               Row{TIOCGPGRP, gets(sizeof(pid_t))},
                               Row{TIOCSPGRP, sets(sizeof(pid_t))},
                               Row{TIOCGSID, gets(sizeof(pid_t))},
                               Row{TCSBRK, waits(value())},
                               Row{TCSBRKP, waits(value())},
                               Row{TIOCSBRK, value()},
                               Row{TIOCCBRK, value()},
                               Row{TCXONC, waits(value())},
                               Row{TCFLSH, input(value())},
                               Row{TIOCOUTQ, gets(kInt)},
                               Row{FIONREAD, gets(kInt)},  // the same number as TIOCINQ
                               Row{TIOCNOTTY, value()},
                               Row{TIOCSCTTY, value()},
                               Row{TIOCSTI, input(sets(1))},
                               Row{TIOCGETD, gets(kInt)},
                               Row{TIOCEXCL, value()},
                               Row{TIOCNXCL, value()},
                               Row{TIOCGEXCL, gets(kInt)},
                               Row{TIOCGSOFTCAR, gets(kInt)},
                               Row{TIOCSSOFTCAR, sets(kInt)},
                               Row{TIOCGDEV, gets(sizeof(unsigned))}};

}  // namespace

std::optional<IoctlShape> terminal_ioctl(unsigned long command) {
  const auto* row = std::ranges::find(kTable, command, &Row::command);
  if (row == kTable.end()) return std::nullopt;
  return row->shape;
}

}  // namespace llrun::tracer
