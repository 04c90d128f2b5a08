llrun_test(traits_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/traits/traits_test.cc
  LIBS llrun_traits)
