// What a strategy is shown, made from what nodes and supervisors say.
#pragma once

#include <string>

#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::agent {

[[nodiscard]] policies::NodeView view_of(const protocol::Load& load, double age_s);
// `host`: where it runs.
[[nodiscard]] policies::ProcessView view_of(const protocol::ProcessReport& report,
                                            const policies::NodeView& host);
// The cores that it would use if there were enough: who gets a third of one beside two others wants
// all of it.
[[nodiscard]] double wanted_cores(const protocol::ProcessReport& report,
                                  const policies::NodeView& host);

// Words for a person, with the numbers behind them.
[[nodiscard]] std::string with_numbers(std::string words, const policies::Numbers& numbers);

// Why something goes from `here` to `there`, in words for a person, with the numbers behind it.
[[nodiscard]] std::string words_of(const std::string& reason, const policies::Numbers& numbers,
                                   const policies::NodeView& here, const policies::NodeView& there);

}  // namespace llrun::agent
