# The same victim as a position-independent and as a fixed program.
foreach(kind pie fixed)
  add_executable(stacks_victim_${kind} ${CMAKE_CURRENT_LIST_DIR}/stacks/victim.cc)
  target_link_libraries(stacks_victim_${kind} PRIVATE Threads::Threads)
  target_compile_options(stacks_victim_${kind} PRIVATE -O2 -g -fomit-frame-pointer)
endforeach()
set_target_properties(stacks_victim_pie PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_options(stacks_victim_pie PRIVATE -pie)
target_compile_options(stacks_victim_fixed PRIVATE -fno-pie)
target_link_options(stacks_victim_fixed PRIVATE -no-pie)

llrun_test(stacks_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/stacks/stacks_test.cc ${CMAKE_CURRENT_LIST_DIR}/stacks/elf_view_test.cc
  LIBS llrun_tracer_stacks llrun_tracer_ptrace)
add_dependencies(stacks_test stacks_victim_pie stacks_victim_fixed)
target_compile_definitions(stacks_test PRIVATE
  LLRUN_VICTIM_PIE="$<TARGET_FILE:stacks_victim_pie>"
  LLRUN_VICTIM_FIXED="$<TARGET_FILE:stacks_victim_fixed>")
