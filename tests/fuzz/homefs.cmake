# Request frames of another node against the check at the door and libfuse behind it.
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3>=3.14)
llrun_fuzzer(homefs
  SOURCES homefs/fuzz_request.cc homefs/session.cc
  LIBS llrun_homefs PkgConfig::FUSE3
  ROUNDS 80000
  CORPUS homefs/corpus)
