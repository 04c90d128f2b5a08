llrun_test(load_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/load/load_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/load/speed_test.cc LIBS llrun_load)
