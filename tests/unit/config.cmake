llrun_test(config_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/config/config_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/config/paths_test.cc LIBS llrun_config)
