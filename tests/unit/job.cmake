llrun_test(link_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/job/link_test.cc LIBS llrun_job)
llrun_test(holds_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/job/holds_test.cc LIBS llrun_job)
llrun_test(message_check_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/job/message_check_test.cc LIBS llrun_job)
llrun_test(file_ranges_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/job/file_ranges_test.cc LIBS llrun_job)
