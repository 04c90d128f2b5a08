llrun_test(base_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/base/event_loop_test.cc
  ${CMAKE_CURRENT_LIST_DIR}/base/spawn_test.cc LIBS llrun_base)
