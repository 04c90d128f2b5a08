# The program that runs in the worlds of these tests: static, started from memory, asked over two FIFOs.
add_executable(world_guest ${CMAKE_CURRENT_LIST_DIR}/world/world_guest.cc)
target_link_libraries(world_guest PRIVATE llrun_plain_options)
target_link_options(world_guest PRIVATE -static)

add_executable(world_test
  ${CMAKE_CURRENT_LIST_DIR}/world/ordinary_user.cc ${CMAKE_CURRENT_LIST_DIR}/world/test_world.cc
  ${CMAKE_CURRENT_LIST_DIR}/world/ids_test.cc ${CMAKE_CURRENT_LIST_DIR}/world/isolation_test.cc
  ${CMAKE_CURRENT_LIST_DIR}/world/terminal_test.cc ${CMAKE_CURRENT_LIST_DIR}/world/life_test.cc
  ${CMAKE_CURRENT_LIST_DIR}/world/hosting_test.cc ${CMAKE_CURRENT_LIST_DIR}/world/niceness_test.cc)
target_link_libraries(world_test PRIVATE llrun_options llrun_guest llrun_world llrun_traits GTest::gtest)
target_compile_definitions(world_test PRIVATE WORLD_GUEST="$<TARGET_FILE:world_guest>")
add_dependencies(world_test world_guest)
# Once as a user without subordinate ids, once as one who has them.
add_test(NAME world_test COMMAND world_test)
add_test(NAME world_subordinate_test COMMAND world_test --subordinate)
# One user runs both, and his processes are counted.
set_tests_properties(world_test world_subordinate_test PROPERTIES LABELS kernel TIMEOUT 120 RESOURCE_LOCK world_user)
