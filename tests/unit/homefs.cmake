llrun_test(homefs_test LABEL unit
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/homefs/frame_check_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/server_test.cc
           LIBS llrun_homefs)
