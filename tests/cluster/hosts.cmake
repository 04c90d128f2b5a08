# The scenario tests are Python; each file is one CTest test, run by root, which makes the test hosts.
include_guard(DIRECTORY)
# llrun_cluster_test(NAME FILE [WAITS|HALF] [TIMEOUT seconds] [LABELS more labels] [ARGS arguments]). Four slots, which are two processors:
# a pair of hosts fills the smallest machine that the project is tested on, unless what the test does there is mostly to wait (one slot), or little more (two).
function(llrun_cluster_test name file)
  cmake_parse_arguments(ARG "WAITS;HALF" "TIMEOUT" "LABELS;ARGS" ${ARGN})
  set(slots 4)
  set(cost 0)
  if(ARG_WAITS)
    set(slots 1)
    set(cost 100)  # first, beside those that compute
  endif()
  list(PREPEND ARG_LABELS cluster)
  if(ARG_HALF)
    set(slots 2)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/${file} ${ARG_ARGS})
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${slots} COST ${cost}
    ENVIRONMENT "LLRUN_TEST_BUILD=${CMAKE_BINARY_DIR}")
endfunction()

add_executable(enter_host ${CMAKE_CURRENT_LIST_DIR}/hosts/enter_host.c)
target_compile_options(enter_host PRIVATE -O2 -Wall -Wextra -Werror)
target_link_options(enter_host PRIVATE -static)
llrun_cluster_test(hosts hosts_test.py)
