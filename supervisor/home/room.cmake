set(room ${CMAKE_CURRENT_LIST_DIR})
# What is measured of a program, by its supervisor or by the agent.
llrun_library(llrun_watch
  SOURCES ${room}/watch.cc ${room}/process_age.cc
  PUBLIC llrun_base llrun_protocol llrun_tracer_objects)
llrun_library(llrun_home
  SOURCES ${room}/traffic.cc ${room}/clock_survey.cc ${room}/peer_connection.cc ${room}/attention.cc ${room}/waking.cc ${room}/relayed_signals.cc ${room}/children.cc
          ${room}/strays.cc ${room}/level_list.cc ${room}/family.cc ${room}/path_walk.cc ${room}/view_terms.cc ${room}/cpu_away.cc ${room}/absence.cc
          ${room}/fitting.cc
          ${room}/stacks_text.cc ${room}/snapshot_source.cc ${room}/home_job.cc ${room}/journey.cc ${room}/departure.cc
          ${room}/away.cc ${room}/mapped_files.cc ${room}/failed_moves.cc ${room}/homecoming.cc
  PUBLIC llrun_job llrun_clock llrun_holding llrun_migration llrun_streams llrun_homefs llrun_control llrun_config
         llrun_shadow llrun_watch llrun_tracer_objects llrun_tracer_stacks llrun_traits
  PRIVATE nlohmann_json::nlohmann_json)
