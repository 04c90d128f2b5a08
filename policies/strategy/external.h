// The questions and answers of a user's own strategy: one JSON object a line, as docs/strategies.md
// describes. Text only; who runs the program, and how long it may take, is the agent's business.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

inline constexpr int kExternalSchema = 1;
inline constexpr std::size_t kLongestAnswer = 1 << 20;  // bytes of a line

// Lines without the newline. `id` comes back in the answer, so that a late answer is not taken for
// a new one.
[[nodiscard]] std::string decide_question(std::uint64_t id, const ClusterView& view,
                                          std::span<const ProcessView> processes);
[[nodiscard]] std::string place_question(std::uint64_t id, const ClusterView& view,
                                         const ExecView& exec);

// The id an answer belongs to; kProtocol when it is not an answer at all.
[[nodiscard]] Result<std::uint64_t> answer_id(std::string_view line);

// Only what was offered may be chosen: an unknown node or process, a pinned process, a node that
// cannot receive it, or the same process twice is kProtocol, with words for the program's author.
[[nodiscard]] Result<std::vector<Decision>> decide_answer(std::string_view line,
                                                          const ClusterView& view,
                                                          std::span<const ProcessView> processes);
[[nodiscard]] Result<Placement> place_answer(std::string_view line, const ClusterView& view,
                                             const ExecView& exec);

}  // namespace llrun::policies
