llrun_test(pins_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/pins/process_pins_test.cc ${CMAKE_CURRENT_LIST_DIR}/pins/ended_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/pins/places_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/descriptors/child.cc ${CMAKE_CURRENT_LIST_DIR}/descriptors/main.cc
  LIBS llrun_tracer_descriptors llrun_capabilities)
target_include_directories(pins_test PRIVATE ${CMAKE_CURRENT_LIST_DIR})
