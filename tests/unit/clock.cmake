llrun_test(clock_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/clock/estimate_test.cc ${CMAKE_CURRENT_LIST_DIR}/clock/survey_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/clock/clock_test.cc
  LIBS llrun_home)
