# The call table: where each system call of a guest is executed.
set(room ${CMAKE_CURRENT_LIST_DIR})
llrun_library(llrun_tracer_calls
  SOURCES ${room}/call_table.cc ${room}/names.cc ${room}/conditions.cc ${room}/judge.cc
          ${room}/document.cc
  PUBLIC llrun_base)

# `ninja document_calls` writes docs/calls.md; calls_test compares it.
add_executable(calls_document EXCLUDE_FROM_ALL ${room}/document_main.cc)
target_link_libraries(calls_document PRIVATE llrun_options llrun_tracer_calls)
add_custom_target(document_calls
  COMMAND calls_document > ${CMAKE_SOURCE_DIR}/docs/calls.md
  COMMENT "Writing docs/calls.md")
