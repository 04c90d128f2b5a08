# What systemd-logind tells of this node: that it is about to sleep, or to end.
pkg_check_modules(LIBSYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
llrun_library(llrun_logind
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/logind.cc
  PUBLIC llrun_base
  PRIVATE PkgConfig::LIBSYSTEMD)
