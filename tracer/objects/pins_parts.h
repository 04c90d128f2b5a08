// The parts of process_pins(): each looks at one side of a process and adds what pins it.
#pragma once

#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/objects/pins.h"
#include "tracer/procfs/credentials.h"

namespace llrun::tracer {

// Threads looked at one by one. More are not looked at every second; the stop that precedes a
// capture fails for a thread that somebody else traces.
inline constexpr std::size_t kMostThreadsLookedAt = 64;

[[nodiscard]] Pin main_thread_has_ended();  // and others run on

void add_identity_pins(const Credentials& it, Pins& pins);     // ids, groups, capabilities
void add_confinement_pins(const Credentials& it, Pins& pins);  // seccomp, shadow stacks
void add_world_pins(HostPid pid, Pins& pins);                  // namespaces, root
void add_program_pins(HostPid pid, Pins& pins);                // 32-bit, personality
void add_attach_pins(HostPid pid, Pins& pins);                 // who may not, and who already is
void add_tracer_pin(int tracer, Pins& pins);                   // one thread's
void add_thread_pins(HostPid pid, const std::vector<HostTid>& tids, Pins& pins);
void add_schedule_pins(HostPid pid, HostPid parent, const std::vector<HostTid>& tids, Pins& pins);
void add_child_pins(HostPid pid, Pins& pins);
void add_timer_pins(HostPid pid, Pins& pins);
void add_mapping_pins(HostPid pid, Pins& pins);
void add_limit_pins(HostPid pid, Pins& pins);  // no room for what a move needs
void add_place_pins(HostPid pid, Pins& pins);  // the working directory

}  // namespace llrun::tracer
