// `llrunctl why --explain` and `llrunctl best`: the numbers behind a decision, for a person and as
// JSON.
#pragma once

#include <string>

#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::agent {

struct Explanation {
  std::string text, json;
};

// `start`: what was decided when it started, in words; empty when nothing was.
[[nodiscard]] std::string explanation_text(const policies::ProcessView& process,
                                           const policies::Decision& decision,
                                           const policies::ClusterView& view,
                                           const std::string& start);
[[nodiscard]] std::string explanation_json(const policies::ProcessView& process,
                                           const policies::Decision& decision,
                                           const policies::ClusterView& view,
                                           const std::string& start);

// The node on which a program started now would get a CPU second soonest: this one when it is as
// good as any.
[[nodiscard]] const policies::NodeView& best_node(const policies::ClusterView& view);
[[nodiscard]] std::string best_text(const policies::ClusterView& view, bool explain);
[[nodiscard]] std::string best_json(const policies::ClusterView& view);

}  // namespace llrun::agent
