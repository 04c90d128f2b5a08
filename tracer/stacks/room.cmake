# Stacks of all threads: libunwind walks, libdw names.
set(room ${CMAKE_CURRENT_LIST_DIR})
llrun_library(llrun_tracer_stacks
  SOURCES ${room}/stacks.cc ${room}/live_stacks.cc ${room}/live_source.cc ${room}/modules.cc
          ${room}/elf_view.cc ${room}/unwinder.cc
  PUBLIC llrun_base
  PRIVATE llrun_tracer_ptrace llrun_tracer_procfs llrun_tracer_sleeps PkgConfig::LLRUN_UNWIND
          PkgConfig::LLRUN_DW)
