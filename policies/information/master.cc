// master: every node tells one, which tells every node what it has gathered. The master is the
// first node of the common list that is heard of; when it falls silent, each node turns to the next
// in the list, which becomes the master by being told. Two masters for a while do no harm: both
// only spread reports.
#include <algorithm>
#include <limits>

#include "policies/information/policies.h"
#include "policies/information/reporter.h"
#include "policies/information/table.h"
#include "policies/random.h"

namespace llrun::policies {

namespace {

class Master final : public InformationPolicy {
 public:
  explicit Master(const InformationOptions& options)
      : reporter_(options),
        table_(options.self, options.forget_s),
        window_(options.window),
        lost_s_(options.master_lost_s),
        random_(options.seed) {}
  std::string_view name() const override { return "master"; }
  void set_peers(PeerList peers) override {
    peers_ = std::move(peers);
    position_ = 0;
  }

  std::vector<Outgoing> tick(double now_s, const NodeView& self) override;
  std::vector<Outgoing> receive(double now_s, const Message& message) override;
  void unreachable(std::string_view node) override;
  std::vector<NodeView> view(double now_s) const override { return table_.view(now_s, peers_); }

 private:
  [[nodiscard]] bool is_master() const { return master() == reporter_.name(); }
  [[nodiscard]] const std::string& master() const { return (*peers_)[position_].name; }
  void next_master(double now_s);
  void follow(const std::string& sender, double now_s);
  [[nodiscard]] std::vector<Outgoing> spread(double now_s, const Report& own);
  [[nodiscard]] std::vector<Report> sample(double now_s);

  Reporter reporter_;
  ReportTable table_;
  std::size_t window_;
  double lost_s_;
  Random random_;
  PeerList peers_;
  std::size_t position_ = 0;  // of the master in the list
  bool started_ = false;
  double heard_s_ = 0;  // when the master last spoke
};

void Master::next_master(double now_s) {
  position_ = (position_ + 1) % peers_->size();
  heard_s_ = now_s;
}

std::vector<Outgoing> Master::tick(double now_s, const NodeView& self) {
  table_.forget_old(now_s);
  if (!peers_ || peers_->empty()) return {};
  if (!started_) heard_s_ = now_s;
  started_ = true;
  if (!is_master() && now_s - heard_s_ > lost_s_) next_master(now_s);
  Report own = reporter_.report(self);
  if (is_master()) return spread(now_s, own);
  return {{master(), reporter_.message({std::move(own)})}};
}

// Few enough: all that is known. Many: to each node its own random part, so that not all run to the
// same targets.
std::vector<Report> Master::sample(double now_s) {
  std::vector<Report> reports;
  const std::size_t known = table_.size();
  if (known <= window_) {
    for (std::size_t i = 0; i < known; ++i) reports.push_back(table_.report_at(i, now_s));
    return reports;
  }
  for (std::size_t i = 0; i < window_; ++i)
    reports.push_back(table_.report_at(random_.below(known), now_s));
  return reports;
}

std::vector<Outgoing> Master::spread(double now_s, const Report& own) {
  std::vector<Outgoing> out;
  out.reserve(peers_->size());
  for (const Peer& peer : *peers_) {
    if (peer.name == reporter_.name()) continue;
    std::vector<Report> reports = sample(now_s);
    reports.push_back(own);
    out.push_back({peer.name, reporter_.message(std::move(reports))});
  }
  return out;
}

// A spread from a node earlier in the list than ours: it is the master (again).
void Master::follow(const std::string& sender, double now_s) {
  const auto found = std::ranges::find(*peers_, sender, &Peer::name);
  const auto position = static_cast<std::size_t>(found - peers_->begin());
  if (position > position_) return;
  position_ = position;
  heard_s_ = now_s;
}

std::vector<Outgoing> Master::receive(double now_s, const Message& message) {
  table_.merge(now_s, message);
  if (!peers_) return {};
  // A lone report of the sender itself is addressed to a master; anything else, or from the master,
  // is a spread.
  const bool is_spread = message.reports.size() != 1 || message.from == master();
  if (is_spread) follow(message.from, now_s);
  return {};
}

void Master::unreachable(std::string_view node) {
  table_.drop(node);
  if (peers_ && !peers_->empty() && node == master() && !is_master())
    heard_s_ = std::numeric_limits<double>::lowest();
}

}  // namespace

std::unique_ptr<InformationPolicy> make_master(const InformationOptions& options) {
  return std::make_unique<Master>(options);
}

}  // namespace llrun::policies
