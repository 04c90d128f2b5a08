// What another agent has said, made such that it can be reckoned with: it may be of another
// version, damaged, or no friend. Numbers that are none, or are none of their kind, become the
// nearest that could be meant.
#pragma once

#include <cstdint>
#include <string>

#include "supervisor/protocol/control.pb.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::agent {

// `now_ms`: our CLOCK_REALTIME. A load is half a round trip old when it comes.
[[nodiscard]] protocol::Load heard_load(const protocol::Load& said, std::int64_t now_ms,
                                        double rtt_us);

// Why a newcomer's numbers cannot be reckoned with, in words; empty: they can.
[[nodiscard]] std::string nonsense_in(const protocol::Offer& offer);

}  // namespace llrun::agent
