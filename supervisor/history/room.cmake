# What programs have been like on this machine: SQLite below, the model of policies/ above.
find_package(SQLite3 REQUIRED)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
llrun_library(llrun_history
  SOURCES history/build_id.cc history/database.cc history/history_file.cc history/history_store.cc
  PUBLIC llrun_base llrun_policies
  PRIVATE SQLite::SQLite3 PkgConfig::LIBELF)
