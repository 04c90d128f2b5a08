#include "policies/strategy/builtin.h"

namespace llrun::policies {

namespace {

class None final : public Strategy {
 public:
  std::string_view name() const override { return "none"; }
  std::vector<Decision> decide(const ClusterView& view,
                               std::span<const ProcessView> processes) override {
    std::vector<Decision> stays;
    if (!view.explain) return stays;
    for (const ProcessView& process : processes)
      stays.push_back(
          {process.id, std::nullopt, "the strategy is none: nothing moves by itself", {}, {}});
    return stays;
  }
};

}  // namespace

BuiltinStrategy none_strategy() {
  return {{"none", "nothing moves by itself", {}},
          [](const Settings&) -> std::unique_ptr<Strategy> { return std::make_unique<None>(); }};
}

}  // namespace llrun::policies
