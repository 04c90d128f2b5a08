// What another agent has said, made such that it can be reckoned with: it may be of another
// version, damaged, or no friend. Numbers that are none, or are none of their kind, become the
// nearest that could be meant. A peer speaks for itself alone: what it says of others, and of how
// it is reached from here, is not taken over.
#pragma once

#include <optional>
#include <string>

#include "supervisor/clock/estimate.h"
#include "supervisor/protocol/control.pb.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::agent {

// `clocks`: the sender's minus ours, where they are known.
[[nodiscard]] protocol::Load heard_load(const protocol::Load& said,
                                        const std::optional<ClockEstimate>& clocks);

// Why nobody can be meant by what a visitor says of itself, in words; empty: somebody can. What is
// kept of it is as short as names are.
[[nodiscard]] std::string nonsense_in(const protocol::Hello& hello);

// Why a newcomer's numbers cannot be reckoned with, in words; empty: they can.
[[nodiscard]] std::string nonsense_in(const protocol::Offer& offer);

}  // namespace llrun::agent
