# A whole connection of a job as the other side may use it: greeting, channel, counts of frames, credit for pages.
llrun_fuzzer(link
  SOURCES link/fuzz_link.cc
  LIBS llrun_job
  ROUNDS 1500)
