// A request frame as it comes; and again with the length field and the rest of the header made to
// fit, or too little would get past the door. The seeds are the files of the corpus: one a request.
#include <cstring>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/homefs/session.h"

namespace {
llrun::fuzz::Counter served("requests served");
llrun::fuzz::Counter refused("refused");

void submit(const std::uint8_t* data, std::size_t size) {
  ++(llrun::homefs::fuzzing::submit(data, size) ? served : refused);
}
}  // namespace

std::vector<std::string> llrun::fuzz::seeds() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  submit(data, size);
  if (size < 40 || size > (std::size_t{1} << 20)) return 0;
  std::vector<std::uint8_t> fitted(data, data + size);
  const auto length = static_cast<std::uint32_t>(size);
  std::memcpy(fitted.data(), &length, sizeof length);
  std::memset(fitted.data() + 4 + 1, 0, 3);  // an opcode below 256
  std::memset(fitted.data() + 36, 0, 4);     // no extensions
  submit(fitted.data(), fitted.size());
  return 0;
}
