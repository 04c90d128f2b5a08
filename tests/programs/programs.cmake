# Small programs that check themselves after any move, and the driver that runs each under every journey.
set(llrun_step_programs registers arithmetic threads signals timers locks memory sparse stack files directories
    setting pipes waits clocks breakpoints identity heap crowd nameless direct)
add_library(llrun_steps STATIC ${CMAKE_CURRENT_LIST_DIR}/steps.cc)
target_link_libraries(llrun_steps PUBLIC llrun_plain_options Threads::Threads)

set(llrun_step_directory ${CMAKE_BINARY_DIR}/tests/programs/steps)
foreach(program ${llrun_step_programs})
  add_executable(step_${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.cc)
  target_link_libraries(step_${program} PRIVATE llrun_steps)
  set_target_properties(step_${program} PROPERTIES
    OUTPUT_NAME ${program} RUNTIME_OUTPUT_DIRECTORY ${llrun_step_directory})
endforeach()
foreach(program interpreter input)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${program}.py ${llrun_step_directory}/${program} COPYONLY)
endforeach()

# All programs in one test, side by side on one set of hosts.
function(llrun_journey_test name)
  add_test(NAME ${name} COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/journeys.py ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS programs TIMEOUT 900 PROCESSORS 2  # of the four slots
    ENVIRONMENT "LLRUN_TEST_BUILD=${CMAKE_BINARY_DIR}")
endfunction()

# Bare: that the programs pass unmoved, so that a failure elsewhere is a move's doing.
llrun_journey_test(programs_bare --bare ${llrun_step_programs} interpreter input)
if(TARGET llrun AND TARGET llrund AND TARGET llrunctl AND (TARGET llrun_supervisor OR TARGET llrun-supervisor))
  llrun_journey_test(journeys ${llrun_step_programs} interpreter input)
endif()
