llrun_library(llrun_streams
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/stream_writer.cc ${CMAKE_CURRENT_LIST_DIR}/guest_streams.cc
  PUBLIC llrun_base)
