llrun_library(llrun_job
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/link.cc ${CMAKE_CURRENT_LIST_DIR}/io_thread.cc
          ${CMAKE_CURRENT_LIST_DIR}/greeting.cc
          ${CMAKE_CURRENT_LIST_DIR}/memory_sender.cc ${CMAKE_CURRENT_LIST_DIR}/file_ranges.cc ${CMAKE_CURRENT_LIST_DIR}/holds.cc
          ${CMAKE_CURRENT_LIST_DIR}/traffic.cc ${CMAKE_CURRENT_LIST_DIR}/message_parts.cc
          ${CMAKE_CURRENT_LIST_DIR}/message_check.cc ${CMAKE_CURRENT_LIST_DIR}/home_call_check.cc
          ${CMAKE_CURRENT_LIST_DIR}/child_signals.cc
  PUBLIC llrun_channel llrun_protocol llrun_tracer_objects llrun_tracer_calls llrun_config)
