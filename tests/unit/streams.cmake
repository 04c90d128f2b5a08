llrun_test(streams_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/streams/streams_test.cc
           LIBS llrun_streams)
llrun_test(migration_machine_test LABEL unit
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/migration/machine_test.cc LIBS llrun_migration)
# The protocol's and the link's models, by spin; more of them with tools/test --all.
set(model_test /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/migration/model_test.py)
add_test(NAME migration_model_test COMMAND ${model_test})
set_tests_properties(migration_model_test PROPERTIES LABELS unit TIMEOUT 600)
add_test(NAME transitions_test COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/migration/transitions_test.py)
set_tests_properties(transitions_test PROPERTIES LABELS unit TIMEOUT 60)
add_test(NAME migration_model_long_test COMMAND ${model_test} --long)
set_tests_properties(migration_model_long_test PROPERTIES LABELS "unit;long" TIMEOUT 3600)
