#include "supervisor/agent/strategies.h"

#include <utility>

#include "supervisor/agent/external_strategy.h"
#include "supervisor/config/values.h"

namespace llrun::agent {

Result<Strategies> Strategies::create(std::string name, policies::StrategyOptions options) {
  Strategies strategies;
  LLRUN_TRY(strategies.change(std::move(name), std::move(options)));
  return strategies;
}

Result<> Strategies::change(std::string name, policies::StrategyOptions options) {
  LLRUN_TRY_ASSIGN(auto first, make_any_strategy(name, options));
  made_.clear();
  made_[""] = std::move(first);
  name_ = std::move(name);
  options_ = std::move(options);
  return {};
}

policies::Strategy& Strategies::of(const std::string& set) {
  auto& strategy = made_[set];
  // The name was good when the first was made.
  if (strategy == nullptr) strategy = std::move(*make_any_strategy(name_, options_));
  return *strategy;
}

std::string Strategies::trouble() const {
  for (const auto& [set, strategy] : made_)
    if (auto trouble = strategy->trouble(); !trouble.empty()) return trouble;
  return "";
}

Result<policies::StrategyOptions> parse_settings(const std::vector<std::string>& words) {
  policies::StrategyOptions options;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return failure(ErrorCode::kInvalid, "\"" + word + "\" is not SETTING=NUMBER");
    LLRUN_TRY_ASSIGN(options.numbers[word.substr(0, equals)],
                     config::parse_number(word.substr(equals + 1)));
  }
  return options;
}

}  // namespace llrun::agent
