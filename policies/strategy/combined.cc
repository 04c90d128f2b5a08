// combined: programs start where `shortest` says; processes that turn out long move when `lifetime`
// says.
#include <utility>

#include "policies/random.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/placement_strategy.h"
#include "policies/strategy/shortest.h"

namespace llrun::policies {

namespace {

class Combined final : public Strategy {
 public:
  Combined(const Settings& settings, std::unique_ptr<Strategy> lifetime)
      : margin_(settings["place_margin"]),
        asked_(static_cast<std::size_t>(settings["asked"])),
        lifetime_(std::move(lifetime)),
        random_(settings.seed()) {}
  std::string_view name() const override { return "combined"; }

  std::vector<Decision> decide(const ClusterView& view,
                               std::span<const ProcessView> processes) override {
    return lifetime_->decide(view, processes);
  }
  Placement place(const ClusterView& view, const ExecView& exec) override {
    if (exec.never) return stay_here(view, exec.rss_bytes, "a hint says never");
    Placement placement = place_shortest(view, exec.rss_bytes, margin_, asked_, random_);
    placement.offer.at_start = true;
    return placement;
  }
  int guest_nice(double cpu_age_s) const override { return lifetime_->guest_nice(cpu_age_s); }

 private:
  double margin_;
  std::size_t asked_;
  std::unique_ptr<Strategy> lifetime_;
  Random random_;
};

}  // namespace

BuiltinStrategy combined_strategy() {
  return {
      {"combined",
       "programs start where shortest says, processes move when lifetime says",
       {{"place_margin", 0.01, "part by which a peer must be better than this node to start there"},
        {"asked", 2, "candidates asked at once where a program should start"},
        {"margin", 1, "times the cost of a move that its gain must exceed"},
        {"patience", 2, "times that for each move the process has had before"},
        {"most_moves", 4, "after so many a process stays where it is, unless home is better"},
        {"stay_s", 1, "seconds a process stays after a move"},
        {"ageing_s", 0, "CPU age from which guests stand back behind younger ones; 0: never"}}},
      [](const Settings& settings) -> std::unique_ptr<Strategy> {
        return std::make_unique<Combined>(settings, lifetime_strategy().make(settings));
      }};
}

}  // namespace llrun::policies
