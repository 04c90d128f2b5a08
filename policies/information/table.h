// ReportTable: the newest report of each node heard of, and how old each is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "policies/information/information.h"

namespace llrun::policies {

class ReportTable {
 public:
  // `keep`: at most so many reports, the youngest.
  ReportTable(std::string self, double forget_s,
              std::size_t keep = std::numeric_limits<std::size_t>::max())
      : self_(std::move(self)), forget_s_(forget_s), keep_(keep) {}

  // Takes what is new in `message`; reports of this node itself are ignored.
  void merge(double now_s, const Message& message);
  void drop(std::string_view node);
  void forget_old(double now_s);

  // The youngest `count` reports, aged to now.
  [[nodiscard]] std::vector<Report> youngest(double now_s, std::size_t count) const;
  [[nodiscard]] std::vector<NodeView> view(double now_s, const PeerList& peers) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] Report report_at(std::size_t index, double now_s) const;

 private:
  struct Entry {
    Report report;
    double taken_s;  // on this node's clock
  };
  void merge_one(double now_s, const Report& report);
  [[nodiscard]] std::size_t find(std::uint64_t key) const;
  void remove(std::size_t index);

  std::string self_;
  double forget_s_;
  std::size_t keep_;
  std::vector<std::uint64_t> keys_;  // hashes of the names: what is searched
  std::vector<Entry> entries_;       // beside keys_
};

}  // namespace llrun::policies
