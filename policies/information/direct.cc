// direct: every node tells every other node, each period. For few nodes: messages grow with their
// square.
#include "policies/information/policies.h"
#include "policies/information/reporter.h"
#include "policies/information/table.h"

namespace llrun::policies {

namespace {

class Direct final : public InformationPolicy {
 public:
  explicit Direct(const InformationOptions& options)
      : reporter_(options), table_(options.self, options.forget_s) {}
  std::string_view name() const override { return "direct"; }
  void set_peers(PeerList peers) override { peers_ = std::move(peers); }

  std::vector<Outgoing> tick(double now_s, const NodeView& self) override {
    table_.forget_old(now_s);
    std::vector<Outgoing> out;
    if (!peers_) return out;
    const Message message = reporter_.message({reporter_.report(self)});
    for (const Peer& peer : *peers_)
      if (peer.name != reporter_.name()) out.push_back({peer.name, message});
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
  PeerList peers_;
};

}  // namespace

std::unique_ptr<InformationPolicy> make_direct(const InformationOptions& options) {
  return std::make_unique<Direct>(options);
}

}  // namespace llrun::policies
