llrun_test(filter_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/filter/interpreter.cc
          ${CMAKE_CURRENT_LIST_DIR}/filter/filter_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/filter/stub_test.cc
  LIBS llrun_tracer_filter)
