// Pins: the reasons why a process may not leave its node, in words a person can act on.
//
// One function answers "may it go?" for the watcher, for the move and for `llrunctl why`, so that
// what is said is what is done. A pin is no error: it is looked at again every time, and goes when
// its cause goes. docs/pins.md lists them all.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

struct Pin {
  std::string what;    // "fd 7 is a Unix socket to /run/user/1000/bus"
  std::string remedy;  // what would remove it: "it can move once that connection is closed"
  friend bool operator==(const Pin&, const Pin&) = default;
};
using Pins = std::vector<Pin>;

// The pins of the process as a whole: who it is, what watches or confines it, its children, timers,
// scheduling and special mappings. Reads /proc and asks the kernel; never attaches, never stops it.
// A few milliseconds: fit for once a second. An error is only that the process is gone (kGone).
// What only a stopped process shows (dumpable as root sees it, queued signals) is left to the
// capture.
[[nodiscard]] Result<Pins> process_pins(HostPid pid);

// The pins of its descriptors: the same judgement as capture_descriptors() makes, without
// duplicates, without reading a pipe, and without the search for others that hold them (sharing.h).
// 10 µs a descriptor.
[[nodiscard]] Result<Pins> descriptor_pins(HostPid pid);

// Everything: process_pins, descriptor_pins and the sharing with other processes (sharing.h), which
// looks at every process of the user. `job`: processes that go or stay together with it, its own
// supervisor among them. This is what `llrunctl why` prints and what is asked before a move.
[[nodiscard]] Result<Pins> all_pins(HostPid pid, const std::vector<HostPid>& job = {});

}  // namespace llrun::tracer
