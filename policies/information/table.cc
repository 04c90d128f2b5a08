#include "policies/information/table.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "policies/random.h"

namespace llrun::policies {

namespace {

bool newer(const Report& a, const Report& b) {
  return std::pair(a.incarnation, a.sequence) > std::pair(b.incarnation, b.sequence);
}

}  // namespace

std::size_t ReportTable::find(std::uint64_t key) const {
  return static_cast<std::size_t>(std::ranges::find(keys_, key) - keys_.begin());
}

void ReportTable::remove(std::size_t index) {
  keys_[index] = keys_.back();
  keys_.pop_back();
  if (index + 1 != entries_.size()) entries_[index] = std::move(entries_.back());
  entries_.pop_back();
}

void ReportTable::merge(double now_s, const Message& message) {
  for (const Report& report : message.reports) merge_one(now_s, report);
}

void ReportTable::merge_one(double now_s, const Report& report) {
  if (report.node.name == self_ || report.age_s > forget_s_) return;
  const std::uint64_t key = hash_of(report.node.name);
  const double taken_s = now_s - report.age_s;
  const std::size_t index = find(key);
  if (index < keys_.size()) {
    if (newer(report, entries_[index].report)) entries_[index] = {report, taken_s};
    return;
  }
  if (keys_.size() < keep_) {
    keys_.push_back(key);
    entries_.push_back({report, taken_s});
    return;
  }
  const auto oldest = std::ranges::min_element(entries_, {}, &Entry::taken_s);
  if (oldest->taken_s >= taken_s) return;
  keys_[static_cast<std::size_t>(oldest - entries_.begin())] = key;
  *oldest = {report, taken_s};
}

void ReportTable::drop(std::string_view node) {
  const std::size_t index = find(hash_of(node));
  if (index < keys_.size()) remove(index);
}

void ReportTable::forget_old(double now_s) {
  for (std::size_t index = entries_.size(); index-- > 0;)
    if (now_s - entries_[index].taken_s > forget_s_) remove(index);
}

Report ReportTable::report_at(std::size_t index, double now_s) const {
  Report report = entries_[index].report;
  report.age_s = now_s - entries_[index].taken_s;
  return report;
}

std::vector<Report> ReportTable::youngest(double now_s, std::size_t count) const {
  std::vector<std::size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  count = std::min(count, order.size());
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(count);
  std::ranges::nth_element(order, middle, std::greater{},
                           [&](std::size_t index) { return entries_[index].taken_s; });
  std::vector<Report> reports;
  reports.reserve(count);
  for (std::size_t i = 0; i < count; ++i) reports.push_back(report_at(order[i], now_s));
  return reports;
}

std::vector<NodeView> ReportTable::view(double now_s, const PeerList& peers) const {
  std::vector<NodeView> nodes;
  nodes.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    if (now_s - entry.taken_s > forget_s_) continue;
    NodeView node = entry.report.node;
    node.age_s = now_s - entry.taken_s;
    nodes.push_back(std::move(node));
  }
  if (!peers || nodes.empty()) return nodes;
  std::vector<std::pair<std::string_view, NodeView*>> by_name;
  for (NodeView& node : nodes) by_name.emplace_back(node.name, &node);
  std::ranges::sort(by_name);
  for (const Peer& peer : *peers) {
    const auto found = std::ranges::lower_bound(by_name, peer.name, {},
                                                [](const auto& pair) { return pair.first; });
    if (found != by_name.end() && found->first == peer.name) found->second->link = peer.link;
  }
  return nodes;
}

}  // namespace llrun::policies
