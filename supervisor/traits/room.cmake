llrun_library(llrun_traits
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/compare.cc ${CMAKE_CURRENT_LIST_DIR}/cpu.cc
          ${CMAKE_CURRENT_LIST_DIR}/hosting.cc ${CMAKE_CURRENT_LIST_DIR}/memory.cc
          ${CMAKE_CURRENT_LIST_DIR}/traits.cc
  PUBLIC llrun_base llrun_protocol llrun_clock
  PRIVATE llrun_tracer_procfs llrun_world llrun_homefs PkgConfig::LLRUN_ELF PkgConfig::LLRUN_XXHASH)
