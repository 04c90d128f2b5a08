# Request frames of another node against the check at the door and libfuse behind it.
llrun_fuzzer(homefs
  SOURCES homefs/fuzz_request.cc homefs/session.cc
  LIBS llrun_homefs PkgConfig::LLRUN_FUSE
  ROUNDS 80000
  CORPUS homefs/corpus)
