// libFuzzer's entry: the length field and the rest of the header are made to fit now and then, or
// nothing would get past the door.
#include <cstring>
#include <vector>

#include "tests/fuzz/homefs/session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  llrun::homefs::fuzzing::submit(data, size);
  if (size < 40 || size > (std::size_t{1} << 20)) return 0;
  std::vector<std::uint8_t> fitted(data, data + size);
  const auto length = static_cast<std::uint32_t>(size);
  std::memcpy(fitted.data(), &length, sizeof length);
  std::memset(fitted.data() + 4 + 1, 0, 3);  // an opcode below 256
  std::memset(fitted.data() + 36, 0, 4);     // no extensions
  llrun::homefs::fuzzing::submit(fitted.data(), fitted.size());
  return 0;
}
