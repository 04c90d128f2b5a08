// Strategies: the strategy that decides on this node, and another one when somebody wants it.
//
// A strategy may remember the processes it was shown, so each set of processes that is judged apart
// has an object of its own, made when it is first needed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "policies/strategy/strategy.h"

namespace llrun::agent {

class Strategies {
 public:
  // "exec:/path args" or a built-in name. kInvalid: there is no such strategy or setting.
  [[nodiscard]] static Result<Strategies> create(std::string name,
                                                 policies::StrategyOptions options);

  [[nodiscard]] policies::Strategy& of(const std::string& set);
  // From now on; what the one before remembered is forgotten. On kInvalid nothing changes.
  [[nodiscard]] Result<> change(std::string name, policies::StrategyOptions options);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const policies::StrategyOptions& options() const { return options_; }
  // Why a user's program is not answering itself, in words; empty: nothing is wrong.
  [[nodiscard]] std::string trouble() const;

 private:
  Strategies() = default;

  std::string name_;
  policies::StrategyOptions options_;
  std::map<std::string, std::unique_ptr<policies::Strategy>> made_;
};

// Words after `llrunctl strategy NAME`: SETTING=NUMBER each.
[[nodiscard]] Result<policies::StrategyOptions> parse_settings(
    const std::vector<std::string>& words);

}  // namespace llrun::agent
