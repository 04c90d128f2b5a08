llrun_test(link_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/job/link_test.cc LIBS llrun_job)
