// What nodes tell each other about their load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "policies/strategy/views.h"

namespace llrun::policies {

// One node's state, in its own words. Clocks differ between nodes, so a report carries its age,
// never a time: each node that passes it on adds what it kept it for. NodeView::link and ::age_s
// have no meaning in it.
struct Report {
  NodeView node;
  std::uint64_t incarnation =
      0;                       // of the agent: a restarted agent's reports supersede all older ones
  std::uint64_t sequence = 0;  // within the incarnation
  double age_s = 0;            // when the message was sent
};

struct Message {
  std::string from;
  std::vector<Report> reports;
};

// A message to be delivered to node `to`; kDirectory: to be written where the site keeps its
// directory.
struct Outgoing {
  std::string to;
  Message message;
};
inline constexpr char kDirectory[] = "@directory";

// What a message takes on the wire, within a few bytes: for the comparison of policies.
[[nodiscard]] std::size_t wire_bytes(const Message& message);

}  // namespace llrun::policies
