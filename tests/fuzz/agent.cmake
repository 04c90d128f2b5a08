# What another node's agent says: hello, loads, censuses, verbs and answers; and all that is reckoned with it.
llrun_fuzzer(agent
  SOURCES agent/fuzz_agent.cc agent/seeds.cc
  LIBS llrun_agent llrun_doctor llrun_traits
  ROUNDS 6000
  CORPUS agent/corpus)
