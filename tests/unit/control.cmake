llrun_test(control_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/control/control_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/control/agent_client_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/control/listening_test.cc LIBS llrun_control)
