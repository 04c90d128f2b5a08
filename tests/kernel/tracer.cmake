llrun_test(kernel_tracer_test LABEL kernel
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/tracer/memory_test.cc ${CMAKE_CURRENT_LIST_DIR}/tracer/restart_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/tracer/death_test.cc ${CMAKE_CURRENT_LIST_DIR}/tracer/ending_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/tracer/tree_mark_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/tracer/killed_tracer_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/tracer/requeue_test.cc
  LIBS llrun_tracer_process)
