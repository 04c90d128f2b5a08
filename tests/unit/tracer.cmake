set(here ${CMAKE_CURRENT_LIST_DIR}/tracer)
llrun_test(tracer_remote_test LABEL unit
  SOURCES ${here}/remote_test.cc
  LIBS llrun_tracer_remote llrun_tracer_filter)

llrun_test(tracer_memory_test LABEL unit
  SOURCES ${here}/memory_test.cc
  LIBS llrun_tracer_process llrun_capabilities)

add_executable(tracer_selfcheck ${here}/selfcheck.cc)
target_link_libraries(tracer_selfcheck PRIVATE llrun_plain_options Threads::Threads)

# The killed tracer's goes through hundreds of kills: a minute on a quiet machine, several on a loaded one.
foreach(test home killed_tracer guest)
  llrun_test(tracer_${test}_test LABEL unit TIMEOUT 900
    SOURCES ${here}/${test}_test.cc
    LIBS llrun_tracer_process)
  target_compile_definitions(tracer_${test}_test
    PRIVATE SELFCHECK_PROGRAM="$<TARGET_FILE:tracer_selfcheck>")
  add_dependencies(tracer_${test}_test tracer_selfcheck)
endforeach()

llrun_test(tracer_letting_go_test LABEL unit
  SOURCES ${here}/busy_test.cc ${here}/letting_go_test.cc
  LIBS llrun_tracer_process)

# Some places of each case; more in the long one. All of them take hours (docs/testing.md).
llrun_test(tracer_ending_test LABEL unit TIMEOUT 900
  SOURCES ${here}/ending_test.cc
  LIBS llrun_tracer_process)
add_test(NAME tracer_ending_long_test COMMAND tracer_ending_test)
set_tests_properties(tracer_ending_long_test PROPERTIES
  LABELS long TIMEOUT 3600 ENVIRONMENT "LLRUN_TEST_PLACES=40")
llrun_test(tracer_sleeps_test LABEL unit
  SOURCES ${here}/sleeps_test.cc
  LIBS llrun_tracer_process)

llrun_test(tracer_mappings_test LABEL unit
  SOURCES ${here}/mappings_test.cc
  LIBS llrun_tracer_process llrun_capabilities)
llrun_test(tracer_povray_test LABEL unit
  SOURCES ${here}/povray_test.cc
  LIBS llrun_tracer_process)
