set(here ${CMAKE_CURRENT_LIST_DIR}/tracer)
llrun_test(tracer_remote_test LABEL unit
  SOURCES ${here}/remote_test.cc
  LIBS llrun_tracer_remote)

add_executable(tracer_selfcheck ${here}/selfcheck.cc)
target_link_libraries(tracer_selfcheck PRIVATE llrun_plain_options Threads::Threads)

foreach(test home killed_tracer guest)
  llrun_test(tracer_${test}_test LABEL unit
    SOURCES ${here}/${test}_test.cc
    LIBS llrun_tracer_process)
  target_compile_definitions(tracer_${test}_test
    PRIVATE SELFCHECK_PROGRAM="$<TARGET_FILE:tracer_selfcheck>")
  add_dependencies(tracer_${test}_test tracer_selfcheck)
endforeach()

llrun_test(tracer_povray_test LABEL unit
  SOURCES ${here}/povray_test.cc
  LIBS llrun_tracer_process)
