llrun_test(policies_test LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/policies/history_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/information_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/lifetime_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/strategy_test.cc
  LIBS llrun_policies)
