# What is kept from one start of an agent to the next: sketches of the history, what moves have cost.
llrun_fuzzer(records
  SOURCES records/fuzz_records.cc
  LIBS llrun_agent)
