llrun_test(leftovers_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/leftovers/leftovers_test.cc
  LIBS llrun_leftovers llrun_config)
