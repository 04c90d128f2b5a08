# The scenarios need the whole product; what needs only the hosts is in hosts.cmake.
include(${CMAKE_CURRENT_LIST_DIR}/hosts.cmake)
if(TARGET llrun AND TARGET llrund AND TARGET llrunctl AND (TARGET llrun_supervisor OR TARGET llrun-supervisor))
  add_executable(deep ${CMAKE_CURRENT_LIST_DIR}/guests/deep.cc)
  target_link_libraries(deep PRIVATE Threads::Threads)
  target_compile_options(deep PRIVATE -O2 -g)
  foreach(scenario povray streams terminal returning pins stacks relatives levelling vanishing owner)
    llrun_cluster_test(${scenario} ${scenario}_test.py TIMEOUT 900)
  endforeach()
  # Fault schedules; in the long ones hosts and links are away for up to a minute.
  add_executable(ledger ${CMAKE_CURRENT_LIST_DIR}/guests/ledger.cc)
  target_link_libraries(ledger PRIVATE llrun_plain_options)
  llrun_cluster_test(schedules schedules_test.py WAITS TIMEOUT 900 ARGS --count 50)
  llrun_cluster_test(schedules_long schedules_test.py TIMEOUT 7200 LABELS long
    ARGS --count 1000 --seed 1000 --jobs 6 --long)
  # A test a case, each of a minute or two, however many faults there are: most of it is waiting for leases to end.
  foreach(case LinkCut PeerKilled PeerStarved)
    llrun_cluster_test(failing_${case} failing_test.py WAITS TIMEOUT 900 ARGS ${case})
  endforeach()
  foreach(case BetweenCommitAndConfirmed AfterCommit WaitingForAFile)
    llrun_cluster_test(failing_${case} failing_after_test.py WAITS TIMEOUT 900 ARGS ${case})
  endforeach()
endif()
