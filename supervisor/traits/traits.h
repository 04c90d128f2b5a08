// Node traits: what decides whether a program of one node can run on another, found out and
// compared.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/protocol/hello.pb.h"

namespace llrun {

// This node's: CPU, vdso, kernel, its clock at this moment. hosts_guests is true, as nothing has
// been tried; see probe_hosting(). What does not change is found out once a process.
[[nodiscard]] protocol::NodeTraits local_traits();

// Try whether a world can be made here, by making one and ending it (some tens of milliseconds,
// from a process that should be small): fills hosts_guests, and in hosts_guests_why_not the reason
// and the setting that would change it.
void probe_hosting(protocol::NodeTraits& traits);

// One aspect in which a node may not do for the programs of another.
struct Comparison {
  std::string about;                   // "CPU features"
  std::optional<std::string> refusal;  // in words; nothing: it does
  std::string remedy;                  // may be empty: nothing would help
};
[[nodiscard]] std::vector<Comparison> compare(
    const protocol::NodeTraits& home, const protocol::NodeTraits& peer,
    std::chrono::nanoseconds round_trip = std::chrono::nanoseconds(0));

// Why a program of `home` may not go to `peer`, in words; nothing: it may. `home.realtime_ns` was
// taken at most `round_trip` before or after `peer.realtime_ns`.
[[nodiscard]] std::optional<std::string> why_not(
    const protocol::NodeTraits& home, const protocol::NodeTraits& peer,
    std::chrono::nanoseconds round_trip = std::chrono::nanoseconds(0));

}  // namespace llrun
