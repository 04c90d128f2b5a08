find_package(benchmark REQUIRED)
add_executable(homefs_bench ${CMAKE_CURRENT_LIST_DIR}/homefs/homefs_bench.cc)
target_link_libraries(homefs_bench PRIVATE llrun_options llrun_homefs_world benchmark::benchmark)
