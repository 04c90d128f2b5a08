# The calls that the installed kernel headers know, as the rows of a C table.
set(calls_include ${CMAKE_CURRENT_BINARY_DIR}/calls_include)
file(WRITE ${calls_include}/unistd.c "#include <asm/unistd_64.h>\n")
execute_process(COMMAND ${CMAKE_C_COMPILER} -E -dM ${calls_include}/unistd.c
  OUTPUT_VARIABLE installed_macros COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "__NR_[a-z0-9_]+ [0-9]+" installed_macros "${installed_macros}")
list(TRANSFORM installed_macros REPLACE "__NR_([a-z0-9_]+) ([0-9]+)" "{\"\\1\", \\2},\n")
string(JOIN "" installed_rows ${installed_macros})
file(CONFIGURE OUTPUT ${calls_include}/installed_calls.inc CONTENT "${installed_rows}" @ONLY)

llrun_test(calls_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/calls/table_test.cc ${CMAKE_CURRENT_LIST_DIR}/calls/judge_test.cc
  LIBS llrun_tracer_calls)
target_include_directories(calls_test PRIVATE ${calls_include})
target_compile_definitions(calls_test PRIVATE LLRUN_CALLS_MD="${CMAKE_SOURCE_DIR}/docs/calls.md")
