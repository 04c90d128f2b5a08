llrun_test(descriptors_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/descriptors/procfs_test.cc
  LIBS llrun_tracer_procfs)
