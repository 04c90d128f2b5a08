# The scenario tests are Python; each file is one CTest test, run by root, which makes the test hosts.
include_guard(DIRECTORY)
# llrun_cluster_test(NAME FILE [WAITS] [TIMEOUT seconds] [LABELS more labels] [ARGS arguments]). Two processors: a pair of hosts
# fills the smallest machine that the project is tested on, unless what the test does there is to wait.
function(llrun_cluster_test name file)
  cmake_parse_arguments(ARG "WAITS" "TIMEOUT" "LABELS;ARGS" ${ARGN})
  set(processors 2)
  if(ARG_WAITS)
    set(processors 1)
  endif()
  list(PREPEND ARG_LABELS cluster)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/${file} ${ARG_ARGS})
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${processors}
    ENVIRONMENT "LLRUN_TEST_BUILD=${CMAKE_BINARY_DIR}")
endfunction()

llrun_cluster_test(hosts hosts_test.py)
