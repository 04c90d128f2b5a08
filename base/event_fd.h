// An event that one thread waits for by poll(2) and another tells it of (eventfd(2)).
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace llrun {

// Readable once it has been signalled, until its count is read; reading it never waits.
[[nodiscard]] Result<Fd> make_event();
void signal_event(const Fd& event);
void clear_event(const Fd& event);

}  // namespace llrun
