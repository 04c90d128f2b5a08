# Files of /proc: the kernel writes them, but names of threads, files and mappings are a program's own.
llrun_fuzzer(procfs
  SOURCES procfs/fuzz_procfs.cc
  LIBS llrun_tracer_procfs
  CORPUS procfs/corpus)
