llrun_library(llrun_world
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/calls.cc ${CMAKE_CURRENT_LIST_DIR}/capabilities.cc
          ${CMAKE_CURRENT_LIST_DIR}/clocks.cc ${CMAKE_CURRENT_LIST_DIR}/clone.cc
          ${CMAKE_CURRENT_LIST_DIR}/id_map.cc ${CMAKE_CURRENT_LIST_DIR}/init.cc
          ${CMAKE_CURRENT_LIST_DIR}/kin.cc ${CMAKE_CURRENT_LIST_DIR}/kin_maker.cc
          ${CMAKE_CURRENT_LIST_DIR}/network.cc ${CMAKE_CURRENT_LIST_DIR}/refusal.cc
          ${CMAKE_CURRENT_LIST_DIR}/terminal.cc ${CMAKE_CURRENT_LIST_DIR}/tree.cc
          ${CMAKE_CURRENT_LIST_DIR}/warden.cc ${CMAKE_CURRENT_LIST_DIR}/world.cc
  PUBLIC llrun_base llrun_protocol llrun_clock
  PRIVATE PkgConfig::LLRUN_MNL)
