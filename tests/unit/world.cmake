llrun_test(world_unit_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/world/kin_test.cc ${CMAKE_CURRENT_LIST_DIR}/world/id_map_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/world/clocks_test.cc
  LIBS llrun_world)
