# llrun.conf, and the values in it, in the environment and on command lines.
llrun_fuzzer(config
  SOURCES config/fuzz_config.cc
  LIBS llrun_config llrun_policies)
