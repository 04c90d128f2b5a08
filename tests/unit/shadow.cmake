llrun_test(shadow_keeper_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/shadow/keeper_test.cc
  LIBS llrun_shadow llrun_tracer_process)
target_compile_definitions(shadow_keeper_test
  PRIVATE SELFCHECK_PROGRAM="$<TARGET_FILE:tracer_selfcheck>")
add_dependencies(shadow_keeper_test tracer_selfcheck)
llrun_test(call_layout_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/shadow/call_layout_test.cc
  LIBS llrun_shadow)
