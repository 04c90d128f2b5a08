llrun_test(homefs_test LABEL unit
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/homefs/file_uses_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/frame_check_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/hostile_peer_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/kept_back_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/request_queue_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/server_test.cc
           LIBS llrun_homefs)
