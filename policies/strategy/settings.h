// The numbers a built-in strategy was made with: what was configured, else the default it declares.
#pragma once

#include <cstdint>
#include <string_view>

#include "policies/strategy/strategy.h"

namespace llrun::policies {

class Settings {
 public:
  Settings(const StrategyInfo& info, const StrategyOptions& options)
      : info_(info), options_(options) {}
  // `name` must be one the strategy declares.
  [[nodiscard]] double operator[](std::string_view name) const;
  [[nodiscard]] std::uint64_t seed() const { return options_.seed; }

 private:
  const StrategyInfo& info_;
  const StrategyOptions& options_;
};

}  // namespace llrun::policies
