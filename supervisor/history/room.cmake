# What programs have been like on this machine: SQLite below, the model of policies/ above.
llrun_library(llrun_history
  SOURCES history/build_id.cc history/database.cc history/history_file.cc history/history_store.cc
  PUBLIC llrun_base llrun_policies
  PRIVATE SQLite::SQLite3 PkgConfig::LLRUN_ELF)
