# The only place that calls ptrace(2).
set(room ${CMAKE_CURRENT_LIST_DIR})
llrun_library(llrun_tracer_ptrace
  SOURCES ${room}/dispatch.cc ${room}/interruption.cc ${room}/letting_go.cc ${room}/ptrace.cc ${room}/reaper.cc ${room}/stop_event.cc
          ${room}/task_states.cc ${room}/thread_set.cc ${room}/wait.cc
          ${CMAKE_CURRENT_LIST_DIR}/../arch/x86_64/restart.cc
  PUBLIC llrun_base)
