# Memory, system calls and descriptors of a stopped tracee.
set(room ${CMAKE_CURRENT_LIST_DIR})
llrun_library(llrun_tracer_remote
  SOURCES ${room}/batch.cc ${room}/lent_site.cc ${room}/remote_arena.cc
          ${room}/remote_fd.cc ${room}/remote_memory.cc ${room}/remote_syscall.cc ${room}/syscall_site.cc
          ${room}/raised_limit.cc
  PUBLIC llrun_tracer_ptrace llrun_tracer_stub)
