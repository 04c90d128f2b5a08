# The only place that calls ptrace(2).
set(room ${CMAKE_CURRENT_LIST_DIR})
llrun_library(llrun_tracer_ptrace
  SOURCES ${room}/ptrace.cc ${room}/stop_event.cc ${room}/thread_set.cc ${room}/wait.cc
  PUBLIC llrun_base)
