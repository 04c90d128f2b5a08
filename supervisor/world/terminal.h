// A pseudo-terminal of the world with a number of choice.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace llrun::world {

struct Terminal {
  Fd master, slave;
};

// In the devpts instance whose directory this is: the terminal of this number, raw. The kernel
// gives out the lowest free number, so those below are taken until then.
[[nodiscard]] Result<Terminal> open_numbered_terminal(int pts_directory, int number);

// As the leader of a session without terminal: take `slave` as its controlling terminal.
[[nodiscard]] Result<> take_terminal(int slave);
// As a member of that session: its group becomes the terminal's foreground group, whoever is that
// now.
[[nodiscard]] Result<> take_foreground(int slave);

}  // namespace llrun::world
