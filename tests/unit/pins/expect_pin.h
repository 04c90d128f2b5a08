#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tracer/objects/pins.h"

namespace llrun::test {

inline std::string all_words(const tracer::Pins& pins) {
  std::string text;
  for (const auto& pin : pins) text += "  " + pin.what + " [" + pin.remedy + "]\n";
  return text.empty() ? "  (no pins)\n" : text;
}

inline bool has_pin(const tracer::Pins& pins, const std::string& words) {
  return std::ranges::any_of(pins, [&](const tracer::Pin& pin) {
    return pin.what.find(words) != std::string::npos && !pin.remedy.empty();
  });
}

}  // namespace llrun::test

// Exactly one pin, with these words in it, and a remedy.
#define EXPECT_ONLY_PIN(pins, words)                                                      \
  do {                                                                                    \
    const auto& seen = (pins);                                                            \
    ASSERT_TRUE(seen) << seen.error().message();                                          \
    EXPECT_EQ(seen->size(), 1U) << ::llrun::test::all_words(*seen);                       \
    EXPECT_TRUE(::llrun::test::has_pin(*seen, words)) << ::llrun::test::all_words(*seen); \
  } while (false)

#define EXPECT_PIN(pins, words)                                                           \
  do {                                                                                    \
    const auto& seen = (pins);                                                            \
    ASSERT_TRUE(seen) << seen.error().message();                                          \
    EXPECT_TRUE(::llrun::test::has_pin(*seen, words)) << ::llrun::test::all_words(*seen); \
  } while (false)

#define EXPECT_NO_PIN(pins)                                        \
  do {                                                             \
    const auto& seen = (pins);                                     \
    ASSERT_TRUE(seen) << seen.error().message();                   \
    EXPECT_TRUE(seen->empty()) << ::llrun::test::all_words(*seen); \
  } while (false)
