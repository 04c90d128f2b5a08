set(room ${CMAKE_CURRENT_LIST_DIR})
llrun_library(llrun_guest
  SOURCES ${room}/traffic.cc ${room}/agent_line.cc ${room}/home_calls.cc ${room}/call_answers.cc
          ${room}/guest_memory.cc ${room}/call_server.cc
          ${room}/cpu_time.cc ${room}/core_limit.cc ${room}/world_paths.cc ${room}/put_off.cc ${room}/guest_terminals.cc
          ${room}/tracee.cc ${room}/tracee_births.cc ${room}/clone_call.cc ${room}/changed_files.cc ${room}/sent_signals.cc
          ${room}/guest_job.cc ${room}/arrival.cc ${room}/stay.cc
          ${room}/leaving.cc ${room}/restraint.cc ${room}/niceness.cc ${room}/oom_score.cc
  PUBLIC llrun_job llrun_clock llrun_holding llrun_migration llrun_streams llrun_homefs llrun_control llrun_world llrun_traits
         llrun_tracer_objects llrun_tracer_filter llrun_tracer_calls)
