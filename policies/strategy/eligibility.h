// Who may leave, and who may receive: the rules that no strategy may break.
#pragma once

#include <string>

#include "policies/strategy/views.h"

namespace llrun::policies {

// Information older than this says nothing any more about whether the node is there at all.
inline constexpr double kForgottenAfter_s = 60;

// Empty when the process may leave; else why not, in words.
[[nodiscard]] std::string why_pinned(const ProcessView& process);

// Switched on, accepting, heard of lately, and with room for `bytes` without swapping.
[[nodiscard]] bool can_receive(const NodeView& node, double bytes);

// Not enough to make it swap: some room is left to the node's own work.
[[nodiscard]] bool has_room(const NodeView& node, double bytes);

}  // namespace llrun::policies
