# What crashes may leave, and removing it.
llrun_library(llrun_leftovers
  SOURCES leftovers/leftovers.cc leftovers/process_table.cc leftovers/processes.cc leftovers/files.cc
  PUBLIC llrun_base
  PRIVATE llrun_config llrun_control llrun_load llrun_tracer_stub)
