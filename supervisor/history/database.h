// Database: an SQLite file and statements on it, with our kind of errors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace llrun::history {

// One statement: bind in order, then step through its rows.
class Statement {
 public:
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  // True: there is a row. kSystem otherwise names what the database said.
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] Result<> run();  // to its end, ignoring rows
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

class Database {
 public:
  // Made if it is not there. Others may use it too: we wait for them for a moment, not longer.
  [[nodiscard]] static Result<Database> open(const std::string& path);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql) const;
  [[nodiscard]] Result<> run(std::string_view sql) const;
  // The file holds something else than a database, or a damaged one.
  [[nodiscard]] static bool is_damage(const Error& error) { return error.code == kDamaged; }

 private:
  static constexpr ErrorCode kDamaged = ErrorCode::kProtocol;
  friend class Statement;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace llrun::history
