// HistoryFile: the history of this machine's programs on disk, one row a program and build.
//
// Several agents of one user may share it. A row holds the sketches as text; the model is
// policies/history.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "policies/history.h"
#include "supervisor/history/database.h"
#include "supervisor/history/program_key.h"

namespace llrun::history {

struct HistoryRow {
  ProgramKey key;
  policies::ProgramHistory history;
  std::int64_t runs = 0;        // ever
  std::int64_t last_run_s = 0;  // seconds since 1970
};

class HistoryFile {
 public:
  static constexpr int kMostPrograms = 5000;  // those not run for longest go

  // A damaged file is kept beside, as PATH.damaged, and a new one begun; `note` then says so.
  [[nodiscard]] static Result<HistoryFile> open(const std::string& path, std::string& note);

  [[nodiscard]] Result<std::vector<HistoryRow>> all() const;
  // Every build of the program at this path.
  [[nodiscard]] Result<std::vector<HistoryRow>> builds(const std::string& path) const;
  // Adds a run, on top of whatever others have written meanwhile, and returns the row.
  [[nodiscard]] Result<HistoryRow> record(const ProgramKey& key, const policies::RunRecord& run,
                                          std::int64_t now_s) const;

 private:
  explicit HistoryFile(Database database) : database_(std::move(database)) {}
  [[nodiscard]] static Result<HistoryFile> open_sound(const std::string& path);
  [[nodiscard]] Result<HistoryRow> record_locked(const ProgramKey& key,
                                                 const policies::RunRecord& run,
                                                 std::int64_t now_s) const;

  Database database_;
};

}  // namespace llrun::history
