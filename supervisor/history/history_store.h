// HistoryStore: what the agent asks about programs and tells of runs.
//
// Never fails: while the file cannot be used (damage, a full disk, a network filesystem) the
// history is kept in memory, and trouble() says why in words.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/history/history_file.h"

namespace llrun::history {

class HistoryStore {
 public:
  using Tell = std::function<void(const std::string&)>;
  // DIRECTORY/history.db; `tell` hears in words what went wrong, once each time it does.
  HistoryStore(const std::string& directory, Tell tell);

  // Of this build; else of all other builds of the program; null: it has never run here. Good until
  // the next call.
  [[nodiscard]] const policies::ProgramHistory* find(const ProgramKey& key);
  void record(const ProgramKey& key, const policies::RunRecord& run, std::int64_t now_s);
  // Those run last come first.
  [[nodiscard]] std::vector<HistoryRow> all();
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void load(const std::string& path);
  void use(Result<> outcome);

  std::string path_;
  Tell tell_;
  std::optional<HistoryFile> file_;
  std::string trouble_;
  std::map<std::string, std::map<std::string, HistoryRow>> known_;  // by path, then build
  policies::ProgramHistory merged_;
};

}  // namespace llrun::history
