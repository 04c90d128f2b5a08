# Lines of JSON that a user's own strategy answers with.
llrun_fuzzer(strategy
  SOURCES strategy/fuzz_answer.cc
  LIBS llrun_policies)
