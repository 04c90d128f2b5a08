llrun_test(history_store_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/history/build_id_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/history/history_store_test.cc
  LIBS llrun_history)
