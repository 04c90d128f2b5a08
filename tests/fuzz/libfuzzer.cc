// What libFuzzer calls first: the protobuf library would complain about each damaged message, and
// the product's own log about each refused one.
#include <google/protobuf/stubs/logging.h>

#include "base/log.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  llrun::log::be_silent();
  return 0;
}
