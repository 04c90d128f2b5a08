# Bytes of another node against everything that reads a channel: frames, pages, messages, images.
llrun_fuzzer(wire
  SOURCES wire/fuzz_stream.cc wire/seeds.cc
  LIBS llrun_channel llrun_job llrun_protocol
  ROUNDS 5000)
