// Node traits: what decides whether a program of one node can run on another, found out and
// compared.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/clock/estimate.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun {

// This node's: CPU, vdso, kernel. hosts_guests is true, as nothing has
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
// `clocks`: the peer's minus home's, where they are known; a difference that may be none is none.
[[nodiscard]] std::vector<Comparison> compare(const protocol::NodeTraits& home,
                                              const protocol::NodeTraits& peer,
                                              const std::optional<ClockEstimate>& clocks = {});

// Why a program of `home` may not go to `peer`, in words; nothing: it may.
[[nodiscard]] std::optional<std::string> why_not(const protocol::NodeTraits& home,
                                                 const protocol::NodeTraits& peer,
                                                 const std::optional<ClockEstimate>& clocks = {});

}  // namespace llrun
