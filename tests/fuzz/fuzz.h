// What a fuzzer of this folder consists of.
//
// Each has libFuzzer's entry point, well-formed inputs to start from, and counters of what became
// of the inputs. The entry is driven by libFuzzer (tools/fuzz) or, under any compiler, by the
// replay with seeded damage (replay.cc), which fails when a counter has stayed at zero: a fuzzer
// whose inputs are all turned away at the door tests nothing but the door.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace llrun::fuzz {

// Well-formed inputs; together with the folder's corpus/ the replay's and libFuzzer's beginning.
[[nodiscard]] std::vector<std::string> seeds();

// How often something has happened to inputs. Objects of namespace scope: each makes itself known.
class Counter {
 public:
  // `refusal`: it must not happen to a seed.
  explicit Counter(const char* what, bool refusal = false);
  Counter& operator++() {
    ++count_;
    return *this;
  }
  [[nodiscard]] const char* what() const { return what_; }
  [[nodiscard]] bool refusal() const { return refusal_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] static std::vector<Counter*>& all();

 private:
  const char* what_;
  bool refusal_;
  std::size_t count_ = 0;
};

// Reads every byte, so that one that is not there to be read is seen.
void touch(std::span<const std::byte> bytes);
void touch(std::string_view text);

// Takes an input apart: whatever has been used up reads as zero.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] std::string_view bytes(std::size_t count) {
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  [[nodiscard]] std::uint8_t byte() {
    const auto taken = bytes(1);
    return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
  }
  template <typename Value>
  [[nodiscard]] Value value() {
    Value value{};
    const auto taken = bytes(sizeof value);
    taken.copy(reinterpret_cast<char*>(&value), taken.size());
    return value;
  }
  // A piece with its length before it, one byte or, behind 255, two.
  [[nodiscard]] std::string_view piece() {
    const std::size_t length = byte();
    return bytes(length < 255 ? length : value<std::uint16_t>());
  }
  [[nodiscard]] std::string_view rest() { return bytes(rest_.size()); }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// The counterpart of Input::piece(), for seeds.
[[nodiscard]] std::string piece(std::string_view text);

}  // namespace llrun::fuzz
