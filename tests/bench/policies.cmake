find_package(benchmark REQUIRED)
add_executable(policies_bench ${CMAKE_CURRENT_LIST_DIR}/policies/decide_bench.cc)
target_link_libraries(policies_bench PRIVATE llrun_options llrun_policies benchmark::benchmark)
