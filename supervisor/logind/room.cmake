# What systemd-logind tells of this node: that it is about to sleep, or to end.
llrun_library(llrun_logind
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/logind.cc
  PUBLIC llrun_base
  PRIVATE PkgConfig::LLRUN_SYSTEMD)
