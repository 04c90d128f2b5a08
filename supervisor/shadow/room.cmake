llrun_library(llrun_shadow
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/call_layout.cc ${CMAKE_CURRENT_LIST_DIR}/keeper.cc
  PUBLIC llrun_protocol llrun_tracer_remote)
