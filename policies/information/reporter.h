// Reporter: this node's own reports, numbered.
#pragma once

#include <utility>

#include "policies/information/information.h"

namespace llrun::policies {

class Reporter {
 public:
  explicit Reporter(const InformationOptions& options)
      : name_(options.self), incarnation_(options.incarnation) {}

  [[nodiscard]] Report report(const NodeView& self) {
    Report report{self, incarnation_, ++sequence_, 0};
    report.node.name = name_;
    return report;
  }
  [[nodiscard]] Message message(std::vector<Report> reports) const {
    return {name_, std::move(reports)};
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::uint64_t incarnation_;
  std::uint64_t sequence_ = 0;
};

}  // namespace llrun::policies
