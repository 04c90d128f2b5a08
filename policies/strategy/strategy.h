// Strategy: decides what goes where; knows nothing of how.
//
// One object a node agent (or simulated node), asked from one thread. It sees plain values and
// touches nothing else: no clock, no files; chance comes from the seed it was made with, so the
// same questions get the same answers. What it may remember between questions is its own (a turn, a
// count), and is never needed for safety: an agent that restarts makes a new one.
//
// How the asker uses it: once a second decide(); for each go, offer it to the target, whose own
// strategy says admit() with what is true there at that moment; only then move. A refused process
// stays; ask again next time with the peer's corrected load.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

class Strategy {
 public:
  virtual ~Strategy() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;

  // Which of the node's processes should move where. At most one answer a process.
  [[nodiscard]] virtual std::vector<Decision> decide(const ClusterView& view,
                                                     std::span<const ProcessView> processes) = 0;

  // Where a program about to be executed should start. The default: here.
  [[nodiscard]] virtual Placement place(const ClusterView& view, const ExecView& exec);

  // The niceness that this node gives a guest that has used so much CPU since it started: 0 to
  // 19, and never less for an older one (policies/ageing.h). The default: all are equal.
  [[nodiscard]] virtual int guest_nice(double cpu_age_s) const;

  // Why something else is answering in its place, in words; empty: it answers itself.
  [[nodiscard]] virtual std::string trouble() const { return ""; }

  // The target's side: is the newcomer still better off here? `self` is true now and counts
  // promises in `incoming`. The default refuses when the place is switched off, full, or no better
  // than the source.
  [[nodiscard]] virtual Admission admit(const NodeView& self, const Offer& offer);
};

// How a strategy is made: `strategy.NAME = NUMBER` of the configuration arrives in `numbers`.
struct StrategyOptions {
  std::uint64_t seed = 1;
  std::map<std::string, double, std::less<>> numbers;
};

// A number a strategy understands, for `llrunctl strategy` and the manual.
struct StrategySetting {
  std::string_view name;
  double default_value;
  std::string_view meaning;
};

struct StrategyInfo {
  std::string_view name;
  std::string_view summary;  // one line for a person
  std::vector<StrategySetting> settings;
};

// The built-in strategies, in the order of the documentation.
[[nodiscard]] const std::vector<StrategyInfo>& builtin_strategies();

// kInvalid when there is no such strategy or it has no such setting; the message lists those there
// are.
[[nodiscard]] Result<std::unique_ptr<Strategy>> make_strategy(std::string_view name,
                                                              const StrategyOptions& options = {});

inline constexpr std::string_view kDefaultStrategy = "hindrance";

}  // namespace llrun::policies
