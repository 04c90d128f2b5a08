# What another node's clocks show, as nearly as can be told from here.
llrun_library(llrun_clock
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/estimate.cc ${CMAKE_CURRENT_LIST_DIR}/readings.cc
  PUBLIC llrun_base llrun_protocol)
