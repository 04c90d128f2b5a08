llrun_test(kernel_filter_test LABEL kernel
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/filter/filtered_child.cc
          ${CMAKE_CURRENT_LIST_DIR}/filter/notification_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/filter/interruption_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/filter/install_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/filter/vdso_test.cc
  LIBS llrun_tracer_filter llrun_tracer_process llrun_capabilities)
