#include "policies/strategy/eligibility.h"

namespace llrun::policies {

namespace {
constexpr double kMemoryKeptFree = 0.05;  // of all of a node's memory
}

std::string why_pinned(const ProcessView& process) {
  return process.pinned ? "something holds it on this node; llrunctl why says what" : "";
}

bool has_room(const NodeView& node, double bytes) {
  if (node.memory_bytes <= 0) return true;
  return bytes <= node.free_memory_bytes - kMemoryKeptFree * node.memory_bytes;
}

bool can_receive(const NodeView& node, double bytes) {
  return node.levelling && node.accepts && node.cores > 0 && node.age_s < kForgottenAfter_s &&
         has_room(node, bytes);
}

}  // namespace llrun::policies
