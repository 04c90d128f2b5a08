# What tests/bench/scenarios.py measures; run by tools/bench, never by CTest.
add_executable(bench_loads ${CMAKE_CURRENT_LIST_DIR}/loads.cc)
target_link_libraries(bench_loads PRIVATE llrun_options)
