#include <algorithm>
#include <utility>

#include "policies/strategy/builtin.h"
#include "policies/strategy/strategy.h"

namespace llrun::policies {

namespace {

const std::vector<BuiltinStrategy>& builtins() {
  static const std::vector<BuiltinStrategy> all{
      none_strategy(),     random_strategy(),   round_robin_strategy(), threshold_strategy(),
      limited_strategy(),  shortest_strategy(), mosix_strategy(),       opportunity_cost_strategy(),
      lifetime_strategy(), combined_strategy(), hindrance_strategy()};
  return all;
}

std::string known_names() {
  std::string names;
  for (const StrategyInfo& info : builtin_strategies()) {
    if (!names.empty()) names += ", ";
    names += info.name;
  }
  return names;
}

const StrategySetting* find_setting(const StrategyInfo& info, std::string_view name) {
  const auto found = std::ranges::find(info.settings, name, &StrategySetting::name);
  return found == info.settings.end() ? nullptr : &*found;
}

std::string known_settings(const StrategyInfo& info) {
  std::string names;
  for (const StrategySetting& setting : info.settings)
    names += (names.empty() ? "" : ", ") + std::string(setting.name);
  return names.empty() ? "it has none" : "it has " + names;
}

}  // namespace

double Settings::operator[](std::string_view name) const {
  const StrategySetting* setting = find_setting(info_, name);
  LLRUN_CHECK(setting != nullptr, name);
  const auto configured = options_.numbers.find(name);
  return configured == options_.numbers.end() ? setting->default_value : configured->second;
}

const std::vector<StrategyInfo>& builtin_strategies() {
  static const std::vector<StrategyInfo> infos = [] {
    std::vector<StrategyInfo> result;
    for (const BuiltinStrategy& builtin : builtins()) result.push_back(builtin.info);
    return result;
  }();
  return infos;
}

Result<std::unique_ptr<Strategy>> make_strategy(std::string_view name,
                                                const StrategyOptions& options) {
  for (const BuiltinStrategy& builtin : builtins()) {
    if (builtin.info.name != name) continue;
    for (const auto& [setting, value] : options.numbers)
      if (find_setting(builtin.info, setting) == nullptr)
        return failure(ErrorCode::kInvalid, "strategy " + std::string(name) + " has no setting " +
                                                setting + ": " + known_settings(builtin.info));
    return builtin.make(Settings(builtin.info, options));
  }
  return failure(ErrorCode::kInvalid, "there is no strategy " + std::string(name) +
                                          ": choose from " + known_names() +
                                          ", or exec:/path/of/a/program");
}

}  // namespace llrun::policies
