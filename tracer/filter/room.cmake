# The guest's seccomp filter, and the listener that its notified calls come from.
set(room ${CMAKE_CURRENT_LIST_DIR})
llrun_library(llrun_tracer_filter
  SOURCES ${room}/filter.cc ${room}/program.cc ${room}/rules.cc ${room}/notifier.cc
  PUBLIC llrun_tracer_calls
  PRIVATE PkgConfig::LLRUN_SECCOMP)
