llrun_test(level_list_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/level_list_test.cc
  LIBS llrun_home)
llrun_test(failed_moves_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/failed_moves_test.cc
  LIBS llrun_home)
llrun_test(cpu_away_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/cpu_away_test.cc
  LIBS llrun_home)
llrun_test(relayed_signals_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/relayed_signals_test.cc
  LIBS llrun_home)
llrun_test(home_mapped_files_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/mapped_files_test.cc
  LIBS llrun_home)
llrun_test(path_walk_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/path_walk_test.cc
  LIBS llrun_home)
llrun_test(view_terms_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/view_terms_test.cc
  LIBS llrun_home)
llrun_test(home_traffic_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/traffic_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/home/bounds_test.cc LIBS llrun_home)
llrun_test(peer_connection_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/peer_connection_test.cc
  LIBS llrun_home)
llrun_test(fitting_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/fitting_test.cc
  LIBS llrun_home llrun_capabilities)
llrun_test(attention_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/home/attention_test.cc
  LIBS llrun_home)
