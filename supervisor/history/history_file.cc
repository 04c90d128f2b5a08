#include "supervisor/history/history_file.h"

#include <cstdio>
#include <utility>

namespace llrun::history {
namespace {

using policies::ProgramHistory;
using policies::Sketch;

constexpr char kSchema[] =
    "CREATE TABLE IF NOT EXISTS program_1 (path TEXT NOT NULL, build_id TEXT NOT NULL,"
    " runs INTEGER NOT NULL, last_run INTEGER NOT NULL, cpu TEXT NOT NULL, io TEXT NOT NULL,"
    " rss TEXT NOT NULL, home_calls TEXT NOT NULL, PRIMARY KEY (path, build_id)) WITHOUT ROWID";
constexpr std::string_view kColumns =
    "SELECT path, build_id, runs, last_run, cpu, io, rss, home_calls FROM program_1 ";

// A sketch that cannot be read is one that was never seen: the next runs fill it again.
Sketch sketch_of(const std::string& text) { return Sketch::parse(text).value_or(Sketch{}); }

HistoryRow row_of(const Statement& statement) {
  return {{statement.text(0), statement.text(1)},
          {sketch_of(statement.text(4)), sketch_of(statement.text(5)), sketch_of(statement.text(6)),
           sketch_of(statement.text(7))},
          statement.number(2),
          statement.number(3)};
}

Result<std::vector<HistoryRow>> rows_of(Statement statement) {
  std::vector<HistoryRow> rows;
  for (;;) {  // ends with the statement's rows
    LLRUN_TRY_ASSIGN(const bool more, statement.step());
    if (!more) return rows;
    rows.push_back(row_of(statement));
  }
}

Result<> move_aside(const std::string& path) {
  for (const char* beside : {"-wal", "-shm"}) std::remove((path + beside).c_str());
  if (std::rename(path.c_str(), (path + ".damaged").c_str()) != 0)
    return system_error("rename the damaged " + path);
  return {};
}

}  // namespace

Result<HistoryFile> HistoryFile::open(const std::string& path, std::string& note) {
  auto file = open_sound(path);
  if (file || !Database::is_damage(file.error())) return file;
  note = path + " was damaged (" + file.error().attempted + "): it is now " + path +
         ".damaged, and a new one is begun";
  LLRUN_TRY(move_aside(path));
  return open_sound(path);
}

// Nothing is waited for at a commit: what a crash of the machine costs is the last few runs, not
// the file.
Result<HistoryFile> HistoryFile::open_sound(const std::string& path) {
  LLRUN_TRY_ASSIGN(auto database, Database::open(path));
  LLRUN_TRY(database.run("PRAGMA journal_mode = WAL"));
  LLRUN_TRY(database.run("PRAGMA synchronous = NORMAL"));
  LLRUN_TRY_ASSIGN(auto check, database.prepare("PRAGMA quick_check(1)"));
  LLRUN_TRY_ASSIGN(const bool answered, check.step());
  if (!answered || check.text(0) != "ok")
    return failure(ErrorCode::kProtocol, answered ? check.text(0) : "it cannot be checked");
  LLRUN_TRY(database.run(kSchema));
  return HistoryFile(std::move(database));
}

Result<std::vector<HistoryRow>> HistoryFile::all() const {
  LLRUN_TRY_ASSIGN(auto statement,
                   database_.prepare(std::string(kColumns) + "ORDER BY last_run DESC"));
  return rows_of(std::move(statement));
}

Result<std::vector<HistoryRow>> HistoryFile::builds(const std::string& path) const {
  LLRUN_TRY_ASSIGN(auto statement, database_.prepare(std::string(kColumns) + "WHERE path = ?1"));
  statement.bind(path);
  return rows_of(std::move(statement));
}

Result<HistoryRow> HistoryFile::record(const ProgramKey& key, const policies::RunRecord& run,
                                       std::int64_t now_s) const {
  LLRUN_TRY(database_.run("BEGIN IMMEDIATE"));
  auto row = record_locked(key, run, now_s);
  auto ended = database_.run(row ? "COMMIT" : "ROLLBACK");
  if (row && !ended) {
    (void)database_.run("ROLLBACK");  // a commit that failed leaves the transaction open
    return std::unexpected(ended.error());
  }
  return row;
}

Result<HistoryRow> HistoryFile::record_locked(const ProgramKey& key, const policies::RunRecord& run,
                                              std::int64_t now_s) const {
  LLRUN_TRY_ASSIGN(auto find,
                   database_.prepare(std::string(kColumns) + "WHERE path = ?1 AND build_id = ?2"));
  find.bind(key.path).bind(key.build_id);
  LLRUN_TRY_ASSIGN(const bool known, find.step());
  HistoryRow row = known ? row_of(find) : HistoryRow{key, {}, 0, 0};
  row.history.record(run);
  ++row.runs;
  row.last_run_s = now_s;
  LLRUN_TRY_ASSIGN(auto put,
                   database_.prepare(
                       "INSERT OR REPLACE INTO program_1 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  put.bind(key.path).bind(key.build_id).bind(row.runs).bind(row.last_run_s);
  put.bind(row.history.cpu_s.text()).bind(row.history.io_bytes_per_s.text());
  put.bind(row.history.rss_bytes.text()).bind(row.history.home_calls_per_s.text());
  LLRUN_TRY(put.run());
  if (known) return row;
  LLRUN_TRY_ASSIGN(
      auto prune, database_.prepare("DELETE FROM program_1 WHERE (path, build_id) IN (SELECT path, "
                                    "build_id FROM program_1 ORDER BY last_run DESC "
                                    "LIMIT -1 OFFSET ?1)"));
  prune.bind(std::int64_t{kMostPrograms});
  LLRUN_TRY(prune.run());
  return row;
}

}  // namespace llrun::history
