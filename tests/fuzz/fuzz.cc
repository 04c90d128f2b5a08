#include "tests/fuzz/fuzz.h"

namespace llrun::fuzz {

std::vector<Counter*>& Counter::all() {
  static std::vector<Counter*> counters;
  return counters;
}

Counter::Counter(const char* what, bool refusal) : what_(what), refusal_(refusal) {
  all().push_back(this);
}

void touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte one : bytes) sum += static_cast<unsigned>(one);
  [[maybe_unused]] volatile unsigned sink = sum;  // so that nothing is optimised away
}

void touch(std::string_view text) { touch(std::as_bytes(std::span(text))); }

std::string piece(std::string_view text) {
  std::string result;
  if (text.size() < 255) {
    result.push_back(static_cast<char>(text.size()));
  } else {
    text = text.substr(0, 0xFFFF);
    result = {'\xFF', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  }
  return result.append(text);
}

}  // namespace llrun::fuzz
