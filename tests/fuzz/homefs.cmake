# Request frames of another node against the check at the door and libfuse behind it.
set(homefs_fuzz_sources
  ${CMAKE_CURRENT_LIST_DIR}/homefs/fuzz_request.cc
  ${CMAKE_CURRENT_LIST_DIR}/homefs/session.cc)
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3>=3.14)

add_executable(homefs_fuzz_replay ${homefs_fuzz_sources} ${CMAKE_CURRENT_LIST_DIR}/homefs/replay.cc)
target_link_libraries(homefs_fuzz_replay PRIVATE llrun_options llrun_homefs PkgConfig::FUSE3)
add_test(NAME homefs_fuzz_replay
         COMMAND homefs_fuzz_replay ${CMAKE_CURRENT_LIST_DIR}/homefs/corpus)
set_tests_properties(homefs_fuzz_replay PROPERTIES LABELS fuzz TIMEOUT 120)

# libFuzzer is clang's. Run: bin/homefs_fuzz -max_total_time=600 tests/fuzz/homefs/corpus
find_program(LLRUN_FUZZ_CLANG NAMES clang++-14 clang++)
if(LLRUN_FUZZ_CLANG)
  set(homefs_fuzz ${CMAKE_BINARY_DIR}/bin/homefs_fuzz)
  set(homefs_fuzz_inputs ${homefs_fuzz_sources} ${CMAKE_SOURCE_DIR}/netproxy/homefs/frame_check.cc)
  add_custom_command(
    OUTPUT ${homefs_fuzz}
    COMMAND ${LLRUN_FUZZ_CLANG} -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined
            -I${CMAKE_SOURCE_DIR} ${FUSE3_CFLAGS} ${homefs_fuzz_inputs} ${FUSE3_LDFLAGS} -o ${homefs_fuzz}
    DEPENDS ${homefs_fuzz_inputs} ${CMAKE_CURRENT_LIST_DIR}/homefs/session.h
            ${CMAKE_SOURCE_DIR}/netproxy/homefs/frame_check.h ${CMAKE_SOURCE_DIR}/netproxy/homefs/frame.h
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(homefs_fuzz_clang DEPENDS ${homefs_fuzz})
endif()
