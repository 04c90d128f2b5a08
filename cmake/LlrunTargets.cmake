# What every target of the project shares: warnings, include root, sanitizers, optional clang-tidy.

option(LLRUN_SANITIZE "Build with the address and undefined-behaviour sanitizers" OFF)

# llrun_options: what every target of ours is built with. llrun_plain_options: the same without sanitizers, for programs
# that are captured and moved (a shadow memory of terabytes is not) or linked statically.
foreach(options llrun_options llrun_plain_options)
  add_library(${options} INTERFACE)
  target_include_directories(${options} INTERFACE ${CMAKE_SOURCE_DIR})
  target_compile_options(${options} INTERFACE -Wall -Wextra -Wconversion -Werror)
  # What GCC 12 finds wrong in std::string, std::vector and std::optional themselves when it optimises that hard.
  target_compile_options(${options} INTERFACE
    "$<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict;-Wno-stringop-overflow;-Wno-maybe-uninitialized>")
endforeach()
# libFuzzer is clang's; the fuzzers are linked with it in tests/fuzz.
option(LLRUN_FUZZ "Build the fuzzers, and everything else so that they see what it does (needs clang 19)" OFF)
if(LLRUN_FUZZ)
  # The warnings that the code is held to are GCC's; clang means others by the same names.
  target_compile_options(llrun_plain_options INTERFACE -w)
  target_compile_options(llrun_options INTERFACE -fsanitize=fuzzer-no-link -w)
  set(LLRUN_SANITIZE ON)
endif()
# Without vptr, which makes a pipe to look whether an object can be read at all (IsAccessibleMemoryRange of the sanitizers'
# runtime), and calls it a wrong object where no descriptor is left: that is one of the faults that the tests put in.
if(LLRUN_SANITIZE)
  target_compile_options(llrun_options INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr
                         -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(llrun_options INTERFACE -fsanitize=address,undefined)
endif()

# llrun_library(NAME SOURCES a.cc … PUBLIC lib … PRIVATE lib …): a layer, or a room of one.
function(llrun_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE llrun_options ${ARG_PRIVATE})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# llrun_test(NAME LABEL unit SOURCES a.cc … LIBS lib …): a GoogleTest program registered with CTest.
function(llrun_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(LLRUN_SANITIZE)  # their programs have terabytes of address space, which every move looks through
    math(EXPR ARG_TIMEOUT "5 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE llrun_options ${ARG_LIBS} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# llrun_whole_processors(): each test registered in this directory takes a processor. CTest counts slots, and tools/test has two
# of them a processor, so that tests that mostly wait (tests/cluster/hosts.cmake) share one.
function(llrun_whole_processors)
  get_property(tests DIRECTORY PROPERTY TESTS)
  set_tests_properties(${tests} PROPERTIES PROCESSORS 2)
endfunction()

# llrun_protobuf(NAME PROTOS folder/a.proto … PUBLIC lib …): messages, included as "folder/a.pb.h".
# The paths are from the top of the tree. The generated code is not held to our warnings.
function(llrun_protobuf name)
  cmake_parse_arguments(ARG "" "" "PROTOS;PUBLIC" ${ARGN})
  set(generated)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" ".pb" stem ${proto})
    add_custom_command(
      OUTPUT ${CMAKE_BINARY_DIR}/generated/${stem}.cc ${CMAKE_BINARY_DIR}/generated/${stem}.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated
      COMMAND protobuf::protoc -I ${CMAKE_SOURCE_DIR} --cpp_out=${CMAKE_BINARY_DIR}/generated
              ${CMAKE_SOURCE_DIR}/${proto}
      DEPENDS ${CMAKE_SOURCE_DIR}/${proto})
    list(APPEND generated ${CMAKE_BINARY_DIR}/generated/${stem}.cc
         ${CMAKE_BINARY_DIR}/generated/${stem}.h)
  endforeach()
  add_library(${name} STATIC ${generated})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${ARG_PUBLIC})
  target_include_directories(${name} SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/generated)
endfunction()
