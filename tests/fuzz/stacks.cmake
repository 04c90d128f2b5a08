# `llrunctl stack` of a guest: another node's registers, stack bytes and mappings; libunwind and libdw over ELF files
# that a program has written.
add_library(stacks_fuzz_victim SHARED stacks/victim.c)
target_compile_options(stacks_fuzz_victim PRIVATE -g -O1 -fno-sanitize=all -fasynchronous-unwind-tables)
target_link_options(stacks_fuzz_victim PRIVATE -nostdlib -fno-sanitize=all
  -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096 -Wl,--build-id)
llrun_fuzzer(stacks
  SOURCES stacks/fuzz_stacks.cc
  LIBS llrun_home
  ROUNDS 3000)
foreach(program stacks_fuzz stacks_fuzz_replay)
  if(TARGET ${program})
    target_compile_definitions(${program} PRIVATE STACKS_FUZZ_VICTIM="$<TARGET_FILE:stacks_fuzz_victim>")
    add_dependencies(${program} stacks_fuzz_victim)
  endif()
endforeach()
