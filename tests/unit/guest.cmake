llrun_test(world_paths_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/guest/world_paths_test.cc
  LIBS llrun_guest)
llrun_test(put_off_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/guest/put_off_test.cc
  LIBS llrun_guest)
llrun_test(guest_traffic_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/guest/traffic_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/guest/bounds_test.cc LIBS llrun_guest)
llrun_test(call_answers_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/guest/call_answers_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/guest/cpu_time_test.cc
           LIBS llrun_guest)
llrun_test(changed_files_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/guest/changed_files_test.cc
  LIBS llrun_guest)
llrun_test(clone_call_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/guest/clone_call_test.cc
  LIBS llrun_guest)
