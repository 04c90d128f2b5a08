llrun_test(decider_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/agent/decider_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/hello_reader_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/event_log_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/learning_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/costs_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/guest_ageing_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/guest_limits_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/heard_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/peers_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/processes_test.cc
           ${CMAKE_CURRENT_LIST_DIR}/agent/loads_file_test.cc LIBS llrun_agent llrun_migration)

# The programs themselves, run as an ordinary user, with a supervisor that does nothing but answer.
add_executable(fake_supervisor ${CMAKE_CURRENT_LIST_DIR}/agent/fake_supervisor.cc)
target_link_libraries(fake_supervisor PRIVATE llrun_options llrun_control llrun_channel)
foreach(script agents launcher logind children places waiters)
  add_test(NAME ${script}_test
           COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/agent/${script}_test.py ${CMAKE_BINARY_DIR}/bin)
  set_tests_properties(${script}_test PROPERTIES LABELS unit TIMEOUT 300)
endforeach()

# Who looks for what programs have left (supervisor/home/strays.h) finds what those of the other test have left, too.
set_tests_properties(children_test waiters_test PROPERTIES RESOURCE_LOCK strays)

# As many that end at once as a build makes. Never run twice at a time on one machine.
add_test(NAME children_long_test
         COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/agent/children_test.py ${CMAKE_BINARY_DIR}/bin)
set_tests_properties(children_long_test PROPERTIES
  LABELS long TIMEOUT 3600 RUN_SERIAL ON ENVIRONMENT "LLRUN_TEST_CROWD=200")
