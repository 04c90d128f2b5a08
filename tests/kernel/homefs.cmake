# A world of its own, for tests and benchmarks of the file view.
llrun_library(llrun_homefs_world SOURCES ${CMAKE_CURRENT_LIST_DIR}/homefs/world.cc
              PUBLIC llrun_homefs)
llrun_test(homefs_view_test LABEL kernel
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/homefs/main.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/description_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/property_test.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/view_test.cc
           LIBS llrun_homefs_world)
llrun_test(homefs_kernel_test LABEL kernel
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/homefs/main.cc
                   ${CMAKE_CURRENT_LIST_DIR}/homefs/pins_test.cc
           LIBS llrun_homefs_world)
