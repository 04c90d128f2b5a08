llrun_test(holding_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/holding/holding_test.cc
  LIBS llrun_holding)
