# What the two supervisors of a job say to each other, as far as it is decoded and checked before anybody acts: home
# calls and their layout in the shadow, answers to them, file replies, signals, worlds, images, credits.
llrun_fuzzer(job
  SOURCES job/fuzz_job.cc job/seeds.cc
  LIBS llrun_job llrun_shadow llrun_guest llrun_homefs llrun_streams)
