# Bytes of another node against everything that reads a channel: frames, pages, messages, images.
#
# The program makes its own inputs from well-formed streams by seeded damage and replays them; build it with the
# asan-ubsan preset to look for more than crashes. (clang 14 cannot compile libstdc++'s std::expected, so there is
# no libFuzzer build; the entry point is libFuzzer's.)
add_executable(wire_fuzz_replay
  ${CMAKE_CURRENT_LIST_DIR}/wire/fuzz_stream.cc ${CMAKE_CURRENT_LIST_DIR}/wire/replay.cc
  ${CMAKE_CURRENT_LIST_DIR}/wire/seeds.cc)
target_link_libraries(wire_fuzz_replay PRIVATE llrun_options llrun_channel llrun_protocol)
add_test(NAME wire_fuzz_replay COMMAND wire_fuzz_replay 5000)
set_tests_properties(wire_fuzz_replay PROPERTIES LABELS fuzz TIMEOUT 300)
