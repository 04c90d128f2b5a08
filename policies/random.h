// Chance, the same on every machine: the standard's distributions differ between libraries, these
// do not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llrun::policies {

// splitmix64: one step, and a hash of one number.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// FNV-1a, for names.
[[nodiscard]] constexpr std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// xorshift128+ seeded by splitmix64: fast, and good enough for queues.
class Random {
 public:
  explicit Random(std::uint64_t seed) : a_(mix(seed)), b_(mix(seed ^ 0x5851f42d4c957f2dULL) | 1) {}

  std::uint64_t next() {
    std::uint64_t x = a_;
    const std::uint64_t y = b_;
    a_ = y;
    x ^= x << 23;
    b_ = x ^ y ^ (x >> 17) ^ (y >> 26);
    return b_ + y;
  }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  // In [0, count); count > 0.
  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(static_cast<double>(count) * uniform());
  }

 private:
  std::uint64_t a_, b_;
};

}  // namespace llrun::policies
