llrun_test(streams_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/streams/streams_test.cc
           LIBS llrun_streams)
llrun_test(migration_machine_test LABEL unit
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/migration/machine_test.cc LIBS llrun_migration)
