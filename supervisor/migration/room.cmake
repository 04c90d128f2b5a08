llrun_library(llrun_migration SOURCES ${CMAKE_CURRENT_LIST_DIR}/machine.cc)
