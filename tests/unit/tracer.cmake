set(here ${CMAKE_CURRENT_LIST_DIR}/tracer)
llrun_test(tracer_remote_test LABEL unit
  SOURCES ${here}/remote_test.cc
  LIBS llrun_tracer_remote)

add_executable(tracer_selfcheck ${here}/selfcheck.cc)
target_link_libraries(tracer_selfcheck PRIVATE llrun_plain_options Threads::Threads)

llrun_test(tracer_home_test LABEL unit
  SOURCES ${here}/home_test.cc
  LIBS llrun_tracer_process)
target_compile_definitions(tracer_home_test
  PRIVATE SELFCHECK_PROGRAM="$<TARGET_FILE:tracer_selfcheck>")
add_dependencies(tracer_home_test tracer_selfcheck)

llrun_test(tracer_killed_test LABEL unit
  SOURCES ${here}/killed_tracer_test.cc
  LIBS llrun_tracer_process)
target_compile_definitions(tracer_killed_test
  PRIVATE SELFCHECK_PROGRAM="$<TARGET_FILE:tracer_selfcheck>")
add_dependencies(tracer_killed_test tracer_selfcheck)

llrun_test(tracer_guest_test LABEL unit
  SOURCES ${here}/guest_test.cc
  LIBS llrun_tracer_process)
target_compile_definitions(tracer_guest_test
  PRIVATE SELFCHECK_PROGRAM="$<TARGET_FILE:tracer_selfcheck>")
add_dependencies(tracer_guest_test tracer_selfcheck)

llrun_test(tracer_povray_test LABEL unit
  SOURCES ${here}/povray_test.cc
  LIBS llrun_tracer_process)
