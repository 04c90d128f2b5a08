// The built-in strategies: what each is called and how it is made. One file each.
#pragma once

#include <memory>

#include "policies/strategy/settings.h"
#include "policies/strategy/strategy.h"

namespace llrun::policies {

struct BuiltinStrategy {
  StrategyInfo info;
  std::unique_ptr<Strategy> (*make)(const Settings& settings);
};

[[nodiscard]] BuiltinStrategy none_strategy();
[[nodiscard]] BuiltinStrategy random_strategy();
[[nodiscard]] BuiltinStrategy round_robin_strategy();
[[nodiscard]] BuiltinStrategy threshold_strategy();
[[nodiscard]] BuiltinStrategy limited_strategy();
[[nodiscard]] BuiltinStrategy shortest_strategy();
[[nodiscard]] BuiltinStrategy mosix_strategy();
[[nodiscard]] BuiltinStrategy opportunity_cost_strategy();
[[nodiscard]] BuiltinStrategy lifetime_strategy();
[[nodiscard]] BuiltinStrategy combined_strategy();
[[nodiscard]] BuiltinStrategy hindrance_strategy();

}  // namespace llrun::policies
