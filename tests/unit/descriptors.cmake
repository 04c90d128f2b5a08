set(descriptors_tests ${CMAKE_CURRENT_LIST_DIR}/descriptors)
llrun_test(descriptors_test LABEL unit
  SOURCES ${descriptors_tests}/procfs_test.cc ${descriptors_tests}/kinds_test.cc
          ${descriptors_tests}/sharing_test.cc ${descriptors_tests}/restore_test.cc ${descriptors_tests}/terminals_test.cc ${descriptors_tests}/measures_test.cc
          ${descriptors_tests}/child.cc ${descriptors_tests}/main.cc
  LIBS llrun_tracer_descriptors)
target_include_directories(descriptors_test PRIVATE ${CMAKE_CURRENT_LIST_DIR})
