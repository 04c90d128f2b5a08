#include "supervisor/history/database.h"

#include <sqlite3.h>

namespace llrun::history {
namespace {

constexpr int kPatience_ms = 100;  // the agent has other things to do

}  // namespace

// What SQLite says, as an error: the words are its own, and damage is told from all else.
static std::unexpected<Error> said(sqlite3* database, std::string attempted) {
  const int code = database == nullptr ? SQLITE_NOMEM : sqlite3_errcode(database);
  const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  attempted += std::string(": ") + (database == nullptr ? "no memory" : sqlite3_errmsg(database));
  return failure(damaged ? ErrorCode::kProtocol : ErrorCode::kSystem, std::move(attempted));
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), ++bound_, number);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return said(database_, "use the history");
}

Result<> Statement::run() {
  for (;;) {  // ends with the statement's rows
    LLRUN_TRY_ASSIGN(const bool row, step());
    if (!row) return {};
  }
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? "" : std::string(reinterpret_cast<const char*>(bytes), size);
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

Result<Database> Database::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return said(raw, "open " + path);
  sqlite3_busy_timeout(raw, kPatience_ms);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK)
    return said(database_.get(), "use the history");
  return Statement(database_.get(), statement);
}

Result<> Database::run(std::string_view sql) const {
  LLRUN_TRY_ASSIGN(auto statement, prepare(sql));
  return statement.run();
}

}  // namespace llrun::history
