llrun_test(descriptors_kernel_test LABEL kernel
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/descriptors/descriptors_kernel_test.cc
          ${CMAKE_SOURCE_DIR}/tests/unit/descriptors/child.cc
          ${CMAKE_SOURCE_DIR}/tests/unit/descriptors/main.cc
  LIBS llrun_tracer_descriptors)
target_include_directories(descriptors_kernel_test PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
