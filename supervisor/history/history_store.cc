#include "supervisor/history/history_store.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <utility>

namespace llrun::history {
namespace {

// SQLite's locks cannot be relied on there, and a server that hangs would hang the agent.
bool is_on_network(const std::string& directory) {
  constexpr std::array<unsigned long, 6> kNetwork{NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,
                                                  SMB2_SUPER_MAGIC, CIFS_SUPER_MAGIC,
                                                  AFS_SUPER_MAGIC,  CEPH_SUPER_MAGIC};
  struct statfs about {};
  return ::statfs(directory.c_str(), &about) == 0 &&
         std::ranges::find(kNetwork, static_cast<unsigned long>(about.f_type)) != kNetwork.end();
}

}  // namespace

HistoryStore::HistoryStore(const std::string& directory, Tell tell)
    : path_(directory + "/history.db"), tell_(std::move(tell)) {
  if (is_on_network(directory)) {
    use(failure(
        ErrorCode::kUnsupported,
        directory + " is on a network filesystem: set XDG_STATE_HOME to a local directory"));
    return;
  }
  std::string note;
  auto file = HistoryFile::open(path_, note);
  if (!note.empty()) tell_(note);
  if (file) {
    file_.emplace(std::move(*file));
  } else {
    use(std::unexpected(file.error()));
  }
}

// Each trouble is told once, and its end too.
void HistoryStore::use(Result<> outcome) {
  const std::string before = std::exchange(
      trouble_, outcome ? "" : "the history is kept in memory only: " + outcome.error().message());
  if (!trouble_.empty() && trouble_ != before) tell_(trouble_);
  if (trouble_.empty() && !before.empty()) tell_("the history is kept in " + path_ + " again");
}

void HistoryStore::load(const std::string& path) {
  if (!file_ || known_.contains(path)) return;
  auto rows = file_->builds(path);
  if (!rows) return use(std::unexpected(rows.error()));
  auto& builds = known_[path];
  for (auto& row : *rows) builds[row.key.build_id] = std::move(row);
}

const policies::ProgramHistory* HistoryStore::find(const ProgramKey& key) {
  load(key.path);
  const auto program = known_.find(key.path);
  if (program == known_.end() || program->second.empty()) return nullptr;
  const auto build = program->second.find(key.build_id);
  if (build != program->second.end()) return &build->second.history;
  merged_ = {};
  for (const auto& [build_id, row] : program->second) merged_.merge(row.history);
  return &merged_;
}

void HistoryStore::record(const ProgramKey& key, const policies::RunRecord& run,
                          std::int64_t now_s) {
  load(key.path);
  HistoryRow& row =
      known_[key.path].try_emplace(key.build_id, HistoryRow{key, {}, 0, 0}).first->second;
  row.history.record(run);
  ++row.runs;
  row.last_run_s = now_s;
  if (!file_) return;
  auto written = file_->record(key, run, now_s);
  if (!written) return use(std::unexpected(written.error()));
  row = std::move(*written);  // with what other agents have seen meanwhile
  use({});
}

std::vector<HistoryRow> HistoryStore::all() {
  if (file_) {
    auto rows = file_->all();
    if (rows && trouble_.empty()) return *std::move(rows);
    if (!rows) use(std::unexpected(rows.error()));
  }
  std::vector<HistoryRow> rows;
  for (const auto& [path, builds] : known_)
    for (const auto& [build_id, row] : builds) rows.push_back(row);
  std::ranges::sort(rows, std::greater{}, &HistoryRow::last_run_s);
  return rows;
}

}  // namespace llrun::history
