// gossip: each period a node tells a few random others its own state and the youngest it has heard.
// What one node sends does not depend on how many there are. Knowledge is a window of the youngest
// reports, dropped as it ages: so vanished nodes vanish from it, and nobody has to notice.
#include "policies/information/policies.h"
#include "policies/information/reporter.h"
#include "policies/information/table.h"
#include "policies/random.h"

namespace llrun::policies {

namespace {

class Gossip final : public InformationPolicy {
 public:
  explicit Gossip(const InformationOptions& options)
      : reporter_(options),
        table_(options.self, options.forget_s, options.keep),
        fanout_(options.fanout),
        window_(options.window),
        random_(options.seed) {}
  std::string_view name() const override { return "gossip"; }
  void set_peers(PeerList peers) override { peers_ = std::move(peers); }

  std::vector<Outgoing> tick(double now_s, const NodeView& self) override {
    table_.forget_old(now_s);
    std::vector<Outgoing> out;
    if (!peers_ || peers_->empty()) return out;
    std::vector<Report> reports = table_.youngest(now_s, window_ - 1);
    reports.push_back(reporter_.report(self));
    const Message message = reporter_.message(std::move(reports));
    for (std::size_t i = 0; i < fanout_; ++i) {
      const std::string& to = (*peers_)[random_.below(peers_->size())].name;
      if (to != reporter_.name()) out.push_back({to, message});
    }
    return out;
  }
  std::vector<Outgoing> receive(double now_s, const Message& message) override {
    table_.merge(now_s, message);
    return {};
  }
  void unreachable(std::string_view node) override { table_.drop(node); }
  std::vector<NodeView> view(double now_s) const override { return table_.view(now_s, peers_); }

 private:
  Reporter reporter_;
  ReportTable table_;
  std::size_t fanout_, window_;
  Random random_;
  PeerList peers_;
};

}  // namespace

std::unique_ptr<InformationPolicy> make_gossip(const InformationOptions& options) {
  return std::make_unique<Gossip>(options);
}

}  // namespace llrun::policies
