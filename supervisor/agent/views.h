// What a strategy is shown, made from what nodes and supervisors say.
#pragma once

#include "policies/strategy/views.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::agent {

[[nodiscard]] policies::NodeView view_of(const protocol::Load& load, double age_s);
[[nodiscard]] policies::ProcessView view_of(const protocol::ProcessReport& report);

}  // namespace llrun::agent
