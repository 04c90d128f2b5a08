set(here ${CMAKE_CURRENT_LIST_DIR}/tracer)
llrun_test(tracer_remote_test LABEL unit
  SOURCES ${here}/remote_test.cc
  LIBS llrun_tracer_remote)
