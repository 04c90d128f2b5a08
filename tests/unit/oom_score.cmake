llrun_test(oom_score_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/guest/oom_score_test.cc LIBS llrun_guest)
