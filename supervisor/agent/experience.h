// Experience: what this node knows of programs beyond what their processes show: the user's hints,
// and what earlier runs were like.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "policies/hints.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/history/history_store.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::agent {

struct Expectation {
  const policies::Hint* hint = nullptr;
  std::optional<double> remaining_cpu_s;  // none: nothing is known, the 1/T law holds
};

class Experience {
 public:
  // kInvalid: a hint that means nothing.
  [[nodiscard]] static Result<std::unique_ptr<Experience>> create(
      const std::map<std::string, std::string>& hints, const std::string& state_directory,
      EventLog& log);

  // A process of this node was heard of; its run has ended.
  void heard(const protocol::ProcessReport& report);
  void ended(const protocol::ProcessReport& last);
  void lost(const protocol::ProcessReport& last);  // its supervisor has gone: who knows how it ends

  [[nodiscard]] Expectation expect(const protocol::ProcessReport& report);
  // Why this process will surely use more CPU time than that, in words; empty: nothing says so.
  [[nodiscard]] std::string why_longer_than(const protocol::ProcessReport& report, double cpu_s);
  [[nodiscard]] std::optional<double> expected_cpu_s(const history::ProgramKey& key);
  [[nodiscard]] const policies::Hint* hint(const std::string& path) const {
    return hints_.find(path);
  }
  [[nodiscard]] history::HistoryStore& history() { return history_; }

 private:
  // A run that goes on, and what it has shown so far.
  struct Run {
    history::ProgramKey key;
    double cpu_s = 0, most_rss_bytes = 0;
    double io_sum = 0, home_calls_sum = 0;
    int reports = 0, reports_away = 0;
  };
  Experience(const std::string& state_directory, EventLog& log);

  policies::Hints hints_;
  history::HistoryStore history_;
  std::map<int, Run> runs_;  // by pid
};

}  // namespace llrun::agent
